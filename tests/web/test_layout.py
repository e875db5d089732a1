"""What all pages have: their head, the ways through the site, languages, what they load, and what is not there."""

import html
import re
from urllib.parse import urljoin

import httpx
import pytest

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
MINISTRY = "/doc/organization/mic"


def found(page: str, pattern: str) -> str:
    """Return what a pattern catches in a page."""
    match = re.search(pattern, page)
    assert match, pattern
    return html.unescape(match[1])


def test_the_switch_of_languages_keeps_the_place(real_site: httpx.Client) -> None:
    """It leads to this page, on the same page of a long list; links on it lead on in the language that was chosen."""
    japanese = real_site.get(f"{MINISTRY}?page=2&lang=ja", headers=HTML).text
    switch = found(japanese, r'<a href="([^"]*)" lang="en" hreflang="en">English')
    english = real_site.get(urljoin(MINISTRY, switch), headers={**HTML, "Accept-Language": "ja"}).text

    assert switch == "?page=2&lang=en"
    assert '<html lang="en">' in english and "Page 2 of" in english
    links = re.findall(r'href="(\.\./[^"]*)"', english[english.index("<main") :])
    assert links and not [
        link for link in links if "lang=en" not in link and "openapi" not in link and ".csv" not in link
    ]


def test_search_engines_are_told_of_both_languages(real_site: httpx.Client) -> None:
    """Each page names itself in both languages and for all others, and has a title and a summary of its own."""
    page = real_site.get(f"{MINISTRY}?lang=en", headers=HTML).text

    for lang, query in (("ja", "?lang=ja"), ("en", "?lang=en"), ("x-default", "")):
        assert f'hreflang="{lang}" href="./mic{query}"' in page
    assert '<link rel="canonical" href="./mic?lang=en">' in page
    assert '<meta property="og:title" content="Ministry of Internal Affairs and Communications">' in page
    assert found(page, r'<meta name="description" content="([^"]*)"').startswith("Organization: Ministry")


def test_what_pages_load_is_kept_for_ever_and_never_out_of_date(real_site: httpx.Client) -> None:
    """Style and icon have a digest in their address and are immutable, compressed where that helps; no script."""
    page = real_site.get("/", headers=HTML)
    style, icon = (found(page.text, rf'<link rel="{rel}"[^>]* href="([^"]*)"') for rel in ("stylesheet", "icon"))

    for link, kind in ((style, "text/css; charset=utf-8"), (icon, "image/svg+xml")):
        assert re.fullmatch(r"\./static/[a-z]+\.[0-9a-f]{12}\.[a-z]+", link)
        answer = real_site.get(urljoin("/", link))
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert real_site.get(urljoin("/", link), headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert real_site.get(urljoin("/", style)).headers["content-encoding"] == "gzip"
    assert real_site.get("/static/style.css").headers["cache-control"] == "public, no-cache"
    assert real_site.get("/static/style.000000000000.css").status_code == 404
    assert real_site.get("/static/../pages/view.py").status_code == 404


@pytest.mark.parametrize("path", ["/", "/about", MINISTRY, "/queries", "/sparql", "/nothing", "/doc/nothing", "/def"])
def test_the_policy_lets_no_page_load_or_run_anything_foreign(real_site: httpx.Client, path: str) -> None:
    """Nothing inline, nothing from elsewhere; the description of the data set is allowed by its hash."""
    policy = real_site.get(path, headers=HTML).headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'")
    assert "unsafe" not in policy and "http" not in policy
    assert ("script-src 'sha256-" in policy) == (path == "/")


@pytest.mark.parametrize(("lang", "words"), [("ja", "見つかりません"), ("en", "Not found")])
def test_a_page_that_is_not_there_leads_on(real_site: httpx.Client, lang: str, words: str) -> None:
    """A person gets a page with the ways into the site, a program a problem document."""
    for path in ("/nothing/at/all", "/doc/organization/nobody"):
        answer = real_site.get(path, params={"lang": lang}, headers=HTML)

        assert answer.status_code == 404
        assert f"<h1>{words}</h1>" in answer.text
        assert urljoin(path, found(answer.text, r'class="name" href="([^"?]*)')) == "/"
        assert real_site.get(path).headers["content-type"] == "application/problem+json"


def test_the_first_page_answers_its_question(real_site: httpx.Client) -> None:
    """Live figures, pillars and ministries with their numbers of measures, and an example that was really asked."""
    page = real_site.get("/?lang=en", headers=HTML).text
    count = real_site.get("/sparql", params={"query": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", "format": "csv"}).text

    assert "<dt>measures</dt><dd>82</dd>" in page
    assert f"<dt>triples</dt><dd>{int(count.split()[1]):,}</dd>" in page
    assert re.search(
        r'href="\./doc/organization/mic\?lang=en">Ministry of Internal[^<]*</a> <span class="count">31<', page
    )
    assert re.search(r'<b class="code">08-24</b> <a href="\./doc/municipal-2019/measure/08-24\?lang=en">', page)
    assert re.search(r'<td class="number">95,000 <bdi>item</bdi></td><td><bdi>fiscal year 2019</bdi>', page)


def test_robots_are_kept_from_endless_pages(real_site: httpx.Client) -> None:
    """Answers and searches are not to be crawled; without an address of its own the site has no sitemap."""
    robots, sitemap = real_site.get("/robots.txt").text, real_site.get("/sitemap.xml")

    assert {"User-agent: *", "Disallow: /sparql?"} <= set(robots.splitlines())
    assert "Sitemap:" not in robots
    assert sitemap.status_code == 404 and "--base" in sitemap.json()["detail"]
