"""The guide as a reader meets it: in a browser, in both languages, with every link, and as Markdown."""

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin

import httpx
import pytest

from kg.core.paths import TOP_FILES
from kg.http.templates import LANGUAGES

from .recipes import DOCS, GENERATED, ROOT, twin, written

# Beside what is in docs/: the files at the top that the guide holds.
NAMES = sorted(
    {page.removeprefix("docs/").removesuffix(".md") for page in (*written(), *GENERATED)}
    | {name.removesuffix(".md") for name in TOP_FILES if name.endswith(".md") and not name.endswith(".ja.md")}
)
LARGEST = 100_000  # bytes of a page


class Page(HTMLParser):
    """The links, anchors and blocks of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links, self.anchors, self.unreachable = set[str](), set[str](), 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element has."""
        values = dict(attrs)
        self.links |= {values[name] or "" for name in ("href", "src") if name in values}
        self.anchors |= {values["id"] or ""} if "id" in values else set()
        self.unreachable += tag == "pre" and values.get("tabindex") != "0"


def address(name: str, lang: str) -> str:
    """Return the address of a page of the guide."""
    return f"/docs?lang={lang}" if name == "index" else f"/docs/{name}?lang={lang}"


@pytest.fixture(scope="session")
def pages(real_site: httpx.Client) -> dict[tuple[str, str], str]:
    """Every page of the guide in both languages."""
    found = {}
    for name in NAMES:
        for lang in LANGUAGES:
            answer = real_site.get(address(name, lang))
            assert answer.status_code == 200, name
            found[name, lang] = answer.text
    return found


def links(html: str, at: str) -> Iterator[str]:
    """Yield where the links of a page lead, but for those to other sites."""
    for link in Page(html).links:
        leads = urljoin(at, link)
        if leads.startswith("/") and not leads.startswith("//"):
            yield leads


def test_every_link_of_the_guide_leads_somewhere(real_site: httpx.Client, pages: dict[tuple[str, str], str]) -> None:
    """Each address answers, and each anchor is there on the page that it leads to, in the language of the link."""
    found = {(address(*key), leads) for key, html in pages.items() for leads in links(html, address(*key))}
    broken, seen = [], dict[str, set[str] | None]()
    for at, leads in sorted(found):
        path, anchor = urldefrag(leads)
        if path not in seen:
            answer = real_site.get(path, headers={"Accept": "text/html,*/*;q=0.5"}, follow_redirects=True)
            seen[path] = Page(answer.text).anchors if answer.status_code == 200 else None
        anchors = seen[path]
        if anchors is None or (anchor and unquote(anchor) not in anchors):
            broken.append((at, leads))

    assert len(found) > 500
    assert broken == []


def test_the_links_of_the_files_lead_somewhere() -> None:
    """Whoever reads the files themselves, on GitHub or on paper, finds each file that a link names."""
    files = [*sorted(DOCS.glob("*.md")), *(ROOT / name for name in TOP_FILES if name.endswith(".md"))]
    missing = []
    for file in files:
        text = re.sub(r"^```.*?^```$", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text):
            there = (file.parent / target).resolve()
            if ":" not in target and not (there.exists() and there.is_relative_to(ROOT)):
                missing.append(f"{file.name}: {target}")

    assert missing == []


def test_the_index_leads_to_every_page(pages: dict[tuple[str, str], str]) -> None:
    """Nobody has to know the name of a page; the index has a link to each, in both languages."""
    for lang in LANGUAGES:
        shown = {urldefrag(leads)[0] for leads in links(pages["index", lang], "/docs")}
        assert [name for name in NAMES if name not in ("index", "README") and address(name, lang) not in shown] == []


def test_pages_are_in_the_language_that_was_chosen(pages: dict[tuple[str, str], str]) -> None:
    """Each page of docs/ is in both languages; of what is there in English only, the text says its language."""
    for (name, lang), html in pages.items():
        assert f'<html lang="{lang}">' in html
        both = (ROOT / twin(f"docs/{name}.md")).exists() or name == "README"
        assert both or name in {file.removesuffix(".md") for file in TOP_FILES}, f"{name} has no twin"
        assert (lang == "ja" and not both) == ('<article lang="en">' in html), name


def test_pages_are_light_and_wide_blocks_can_be_reached(pages: dict[tuple[str, str], str]) -> None:
    """No page has more than 100 KB; each block that may scroll takes the focus; nothing of the text is lost."""
    for key, html in pages.items():
        assert len(html.encode()) < LARGEST, key
        assert not Page(html).unreachable, key
    page = unescape(pages["linking", "en"])
    text = (DOCS / "linking.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```[^\n]*\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        assert block in page


def test_markdown_is_served_as_it_is_written(real_site: httpx.Client) -> None:
    """`/docs/<name>.md` and pictures are the files, with their type; nothing outside of the guide is."""
    for name, kind in (("linking.md", "text/markdown"), ("linking.ja.md", "text/markdown"), ("LICENSE", "text/plain")):
        answer = real_site.get(f"/docs/{name}")
        file = DOCS / name if (DOCS / name).exists() else ROOT / name
        assert (answer.content, answer.headers["content-type"]) == (file.read_bytes(), f"{kind}; charset=utf-8")
        assert real_site.get(f"/docs/{name}", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert real_site.get("/docs/images/measure-en.png").headers["content-type"] == "image/png"
    for path in ("pyproject.toml", "..%2Fpyproject.toml", "images%2F..%2F..%2Frun", "nothing", "linking.html"):
        refused = real_site.get(f"/docs/{path}")
        assert (refused.status_code, refused.headers["content-type"]) == (404, "application/problem+json"), path


def test_html_in_a_page_is_shown_and_not_taken(real_site: httpx.Client) -> None:
    """The text of a page cannot bring markup of its own: the policy of all pages holds here, too."""
    policy = real_site.get("/docs/linking").headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'") and "unsafe" not in policy
