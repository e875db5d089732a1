"""The files of a release, downloaded over HTTP."""

import hashlib

import httpx
import pytest

from kg.releases import Release

FOREVER = "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("graph.ttl", "text/turtle; charset=utf-8"),
        ("measures.csv", "text/csv; charset=utf-8"),
        ("SHA256SUMS", "text/plain; charset=utf-8"),
    ],
)
def test_a_file_comes_as_it_is_with_type_and_checksum(
    site: httpx.Client, release: Release, name: str, media_type: str
) -> None:
    """Each file has its media type, its SHA-256 as ETag, and an address whose content never changes."""
    answer = site.get(f"/release/2019.1.0/{name}")

    assert answer.status_code == 200
    assert answer.content == release.path(name).read_bytes()
    assert answer.headers["content-type"] == media_type
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert answer.headers["cache-control"] == FOREVER
    assert int(site.head(f"/release/2019.1.0/{name}").headers["content-length"]) == len(answer.content)


def test_an_unchanged_file_is_not_sent_again(site: httpx.Client) -> None:
    """A client that has the file gets 304 without a body."""
    etag = site.get("/release/2019.1.0/graph.ttl").headers["etag"]
    again = site.get("/release/2019.1.0/graph.ttl", headers={"If-None-Match": f'"other", {etag}'})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


@pytest.mark.parametrize(
    ("path", "location", "target"),
    [
        ("latest", "2019.1.0/", "2019.1.0/"),
        ("latest/", "../2019.1.0/", "2019.1.0/"),
        ("latest/graph.ttl", "../2019.1.0/graph.ttl", "2019.1.0/graph.ttl"),
        ("2019.1.0", "2019.1.0/", "2019.1.0/"),
    ],
)
def test_latest_is_a_relative_redirect(site: httpx.Client, path: str, location: str, target: str) -> None:
    """The redirect is relative, so it holds behind a prefix and never repeats what a client calls this host."""
    answer = site.get(f"/release/{path}", headers={"Host": "evil.example"})

    assert (answer.status_code, answer.headers["location"]) == (307, location)
    assert str(site.get(f"/release/{path}", follow_redirects=True).url) == f"{site.base_url}/release/{target}"


def test_the_listing_is_the_manifest_or_a_page(site: httpx.Client, release: Release) -> None:
    """Programs get the manifest as JSON; a browser gets a page with a link to each file."""
    page = site.get("/release/2019.1.0/", headers={"Accept": "text/html"})

    assert site.get("/release/2019.1.0/").json() == release.manifest()
    assert 'href="../../release/2019.1.0/graph.ttl"' in page.text


def test_a_development_build_is_served_but_never_as_immutable(site: httpx.Client) -> None:
    """A version with +dev is found by its name, and clients ask again each time."""
    answer = site.get("/release/2019.1.0+dev.0123abcd/graph.ttl")

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "path",
    [
        "2019.1.0/nothing.ttl",
        "2019.1.0/../../secret.txt",
        "2019.1.0/..%2F..%2Fsecret.txt",
        "2019.1.0/%2e%2e/%2e%2e/secret.txt",
        "..%2F/secret.txt",
        "%2e%2e/secret.txt",
        "./secret.txt",
        "2019.1.0/%2Fetc%2Fpasswd",
        "2019.1.0/manifest.json%00",
        "%00/graph.ttl",
        "9999/graph.ttl",
        "9999/",
        "a" * 300 + "/graph.ttl",
    ],
)
def test_only_what_a_manifest_names_can_be_reached(site: httpx.Client, path: str) -> None:
    """Any other name, however it climbs, is 404 as a problem document."""
    # Sent as it is: httpx would resolve the dots before sending.
    request = site.build_request("GET", "/")
    request.url = request.url.copy_with(raw_path=f"/release/{path}".encode())
    answer = site.send(request)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.json().get("content", "")


def test_data_files_have_no_release(data_site: httpx.Client) -> None:
    """A server that was started on data files says that there is nothing to download."""
    assert data_site.get("/release/latest").status_code == 404
    assert data_site.get("/release/latest/graph.ttl").status_code == 404
