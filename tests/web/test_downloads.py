"""The files of a release, downloaded over HTTP."""

import email
import email.policy
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from kg.core.release import Release

FOREVER = "public, max-age=31536000, immutable"
PLAIN = {"Accept-Encoding": "identity"}


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
    """Each file has its media type, its SHA-256 as ETag, the day of the release, and an address that never changes."""
    answer = site.get(f"/release/2019.1.0/{name}", headers=PLAIN)

    assert answer.status_code == 200
    assert answer.content == release.path(name).read_bytes()
    assert answer.headers["content-type"] == media_type
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert answer.headers["last-modified"] == "Fri, 11 Oct 2019 00:00:00 GMT"
    assert answer.headers["cache-control"] == FOREVER
    assert answer.headers["accept-ranges"] == "bytes"
    assert int(site.head(f"/release/2019.1.0/{name}", headers=PLAIN).headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize("name", ["graph.ttl", "measures.csv", "dataset.ttl", "SHA256SUMS", "shisaku.xlsx"])
@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5, br", True),
        ("*", True),
        ("identity;q=0.5, *;q=0.6", True),
        ("x-gzip", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("*;q=0", False),
        ("gzip;q=0.3, identity;q=0.4", False),
        ("gzip;q=much", False),
        ("br, zstd", False),
        ("identity", False),
        ("", False),
    ],
)
def test_it_is_compressed_for_those_who_take_it(
    site: httpx.Client, release: Release, name: str, accepted: str, compressed: bool
) -> None:
    """Text of 1 KB and more comes as gzip by Accept-Encoding with weights, under an entity tag of its own."""
    plain = release.path(name).read_bytes()
    compressed = compressed and name in ("graph.ttl", "measures.csv")
    answer = site.get(f"/release/2019.1.0/{name}", headers={"Accept-Encoding": accepted})
    head = site.head(f"/release/2019.1.0/{name}", headers={"Accept-Encoding": accepted})

    assert answer.content == plain
    assert (answer.headers.get("content-encoding") == "gzip") is compressed
    assert (answer.headers["etag"] != f'"{hashlib.sha256(plain).hexdigest()}"') is compressed
    assert (int(answer.headers["content-length"]) < len(plain)) is compressed
    assert answer.headers.get("vary") == (None if name == "shisaku.xlsx" else "Accept-Encoding")
    assert {**head.headers, "date": ""} == {**answer.headers, "date": ""}


def test_the_ready_compressed_file_is_sent(site: httpx.Client, release: Release) -> None:
    """What comes compressed for the plain name is the file beside it, byte by byte; under its own name it is a file."""
    ready = release.path("graph.ttl.gz").read_bytes()
    with site.stream("GET", "/release/2019.1.0/graph.ttl", headers={"Accept-Encoding": "gzip"}) as answer:
        assert b"".join(answer.iter_raw()) == ready
    assert answer.headers["content-type"] == "text/turtle; charset=utf-8"
    assert answer.headers["etag"] == f'"{hashlib.sha256(ready).hexdigest()}"'

    file = site.get("/release/2019.1.0/graph.ttl.gz", headers={"Accept-Encoding": "gzip"})
    assert file.content == ready
    assert file.headers["content-type"] == "application/gzip"
    assert "content-encoding" not in file.headers


DAY = "Fri, 11 Oct 2019 00:00:00 GMT"


@pytest.mark.parametrize("codings", ["gzip", "identity"])
@pytest.mark.parametrize("name", ["graph.ttl", "measures.csv"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": "TAG"}, 304),
        ({"If-None-Match": "W/TAG"}, 304),
        ({"If-None-Match": '"other", W/"a,b" ,TAG'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-None-Match": '"xTAGx"'}, 200),
        ({"If-None-Match": "nonsense"}, 200),
        ({"If-None-Match": '"other"', "If-Modified-Since": DAY}, 200),
        ({"If-Modified-Since": DAY}, 304),
        ({"If-Modified-Since": "Friday, 11-Oct-19 00:00:00 GMT"}, 304),
        ({"If-Modified-Since": "Fri Oct 11 00:00:00 2019"}, 304),
        ({"If-Modified-Since": "Sat, 12 Oct 2030 00:00:00 GMT"}, 304),
        ({"If-Modified-Since": "Thu, 10 Oct 2019 23:59:59 GMT"}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Match": "TAG"}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": "W/TAG"}, 412),
        ({"If-Match": '"other"'}, 412),
        ({"If-Match": "TAG", "If-None-Match": "TAG"}, 304),
        ({"If-Unmodified-Since": DAY}, 200),
        ({"If-Unmodified-Since": "Thu, 10 Oct 2019 23:59:59 GMT"}, 412),
        ({"If-Match": "TAG", "If-Unmodified-Since": "Thu, 10 Oct 2019 23:59:59 GMT"}, 200),
    ],
)
def test_conditions(site: httpx.Client, name: str, codings: str, headers: dict[str, str], status: int) -> None:
    """Lists, weak tags, `*` and dates mean what RFC 9110 says, for the form that the client would get."""
    address, accepted = f"/release/2019.1.0/{name}", {"Accept-Encoding": codings}
    full = site.get(address, headers=accepted)
    tag = full.headers["etag"].strip('"')
    filled = {key: value.replace("xTAGx", tag[1:]).replace("TAG", f'"{tag}"') for key, value in headers.items()}

    for method in ("GET", "HEAD"):
        answer = site.request(method, address, headers={**accepted, **filled})
        assert answer.status_code == status
        assert answer.headers["etag"] == full.headers["etag"]
        if status == 304:
            assert answer.content == b""
            assert {"cache-control", "last-modified", "vary"} <= answer.headers.keys()
            assert not {"content-encoding", "content-type", "content-length"} & answer.headers.keys()


SIZE = 2048  # of shisaku.xlsx


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-0", [(0, 0)]),
        ("bytes=10-19", [(10, 19)]),
        ("bytes=2000-", [(2000, 2047)]),
        ("bytes=-5", [(2043, 2047)]),
        ("bytes=-9999", [(0, 2047)]),
        ("bytes=2040-9999", [(2040, 2047)]),
        ("BYTES = 10-19", [(10, 19)]),
        ("bytes=0-9, 20-29", [(0, 9), (20, 29)]),
        ("bytes=20-29,0-9,,-1", [(0, 9), (20, 29), (2047, 2047)]),
        ("bytes=0-9,5-19", [(0, 19)]),
        ("bytes=0-9,5000-", [(0, 9)]),
        ("bytes=2048-", []),
        ("bytes=5000-6000,9000-", []),
        ("bytes=-0", []),
        ("bytes=9-5", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=0-9,x", None),
        ("bytes", None),
        ("lines=0-9", None),
        ("bytes=" + "9" * 30 + "-", None),
        ("bytes=" + ",".join(f"{n * 3}-{n * 3}" for n in range(101)), None),
    ],
)
def test_ranges(site: httpx.Client, release: Release, asked: str, expected: list[tuple[int, int]] | None) -> None:
    """One part comes as 206, several as multipart, none that exists as 416; what is no range is left aside."""
    content = release.path("shisaku.xlsx").read_bytes()
    answer = site.get("/release/2019.1.0/shisaku.xlsx", headers={"Range": asked})
    spans = {f"bytes {first}-{last}/{SIZE}": content[first : last + 1] for first, last in expected or ()}

    if expected is None:
        assert (answer.status_code, answer.content) == (200, content)
    elif not expected:
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{SIZE}")
        assert answer.headers["content-type"] == "application/problem+json"
    elif len(expected) == 1:
        assert (answer.status_code, answer.headers["content-range"]) == (206, *spans)
        assert answer.content == spans[answer.headers["content-range"]]
    else:
        message = b"Content-Type: " + answer.headers["content-type"].encode() + b"\r\n\r\n" + answer.content
        pieces = email.message_from_bytes(message, policy=email.policy.HTTP).iter_parts()
        assert answer.status_code == 206
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert {piece["content-range"]: piece.get_content() for piece in pieces} == spans
    assert site.head("/release/2019.1.0/shisaku.xlsx", headers={"Range": asked}).status_code == 200


def test_an_interrupted_download_is_resumed(site: httpx.Client, release: Release) -> None:
    """A part comes only from the form that `If-Range` names; from any other the whole comes."""
    address = "/release/2019.1.0/graph.ttl"
    plain, ready = (release.path(name).read_bytes() for name in ("graph.ttl", "graph.ttl.gz"))
    tags = [f'"{hashlib.sha256(content).hexdigest()}"' for content in (plain, ready)]

    def rest(condition: str | None, codings: str = "gzip") -> tuple[int, str | None, bytes]:
        headers = {"Range": "bytes=100-", "Accept-Encoding": codings}
        with site.stream("GET", address, headers={**headers, **({"If-Range": condition} if condition else {})}) as got:
            return got.status_code, got.headers.get("content-encoding"), b"".join(got.iter_raw())

    assert rest(None) == rest(tags[0]) == rest(DAY) == (206, None, plain[100:])
    assert rest(tags[1]) == (206, "gzip", ready[100:])
    for other in ('"other"', f"W/{tags[0]}", "Thu, 10 Oct 2019 00:00:00 GMT"):
        assert rest(other, "identity") == (200, None, plain)


def test_what_is_saved_has_its_name(site: httpx.Client) -> None:
    """Tables are offered for saving under the name that SHA256SUMS has; a graph can be read in the browser."""
    for name in ("measures.csv", "shisaku.xlsx"):
        answer = site.get(f"/release/2019.1.0/{name}")
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert "content-disposition" not in site.get("/release/2019.1.0/graph.ttl").headers


def test_a_page_among_the_files_runs_nothing(site: httpx.Client) -> None:
    """The report in HTML comes with a policy that lets no script run."""
    policy = site.get("/release/2019.1.0/validation.html").headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "script-src" not in policy


def links(answer: httpx.Response) -> set[tuple[str, str, str]]:
    """Return the links of an answer: relation, absolute target, media type (empty where there is none)."""
    found = re.findall(r'<([^>]*)>; rel="([^"]*)"(?:; type="([^"]*)")?(?:, |$)', answer.headers["link"])
    return {(relation, str(answer.url.join(target)), type) for target, relation, type in found}


def test_links_lead_on(site: httpx.Client, release: Release) -> None:
    """A file links to its licence, its description, its release and its latest version; a release to its files."""
    at = f"{site.base_url}/release"
    csv = links(site.get("/release/2019.1.0/measures.csv"))
    listing = links(site.get("/release/2019.1.0/"))
    licence = ("license", "https://creativecommons.org/licenses/by/4.0/", "")

    assert csv == {
        licence,
        ("collection", f"{at}/2019.1.0/", ""),
        ("latest-version", f"{at}/latest/measures.csv", ""),
        ("describedby", f"{at}/2019.1.0/csv-metadata.json", "application/csvm+json"),
    }
    assert {licence, ("latest-version", f"{at}/latest/", "")} < listing
    items = [(target, type) for relation, target, type in listing if relation == "item"]
    assert len(items) == len(release.files)
    for target, type in items:
        assert site.head(target).headers["content-type"].partition(";")[0] == type


@pytest.mark.parametrize("options", [[], ["--compressed"]])
def test_checksums_hold_after_a_download(site: httpx.Client, release: Release, tmp_path: Path, options) -> None:
    """`curl` and `sha256sum -c`, as people type them, find every file as it was released."""
    for program in ("curl", "sha256sum"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    names = ",".join(file.name for file in release.files)
    fetch = ["curl", "-sSf", "--noproxy", "*", *options, "-O", f"{site.base_url}/release/2019.1.0/{{{names}}}"]
    subprocess.run(fetch, cwd=tmp_path, check=True)
    checked = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path, check=True, capture_output=True, text=True
    )

    assert checked.stdout.count(": OK\n") == len(release.files) - 1


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
    assert path == "2019.1.0" or answer.headers["cache-control"] == "no-cache"
    assert str(site.get(f"/release/{path}", follow_redirects=True).url) == f"{site.base_url}/release/{target}"


def test_the_listing_is_the_manifest_or_a_page(site: httpx.Client, release: Release) -> None:
    """Programs get the manifest as JSON; a browser gets a page with a link to each file."""
    page = site.get("/release/2019.1.0/", headers={"Accept": "text/html"})

    manifest = site.get("/release/2019.1.0/")

    assert manifest.json() == release.manifest()
    known = {"If-None-Match": manifest.headers["etag"]}
    assert site.get("/release/2019.1.0/", headers=known).status_code == 304
    assert site.get("/release/2019.1.0/", headers={**known, "Accept": "text/html"}).status_code == 200
    assert 'href="../../release/2019.1.0/graph.ttl"' in page.text
    by_name = site.get("/release/2019.1.0/manifest.json", headers={"Accept": "text/turtle"})
    assert by_name.headers["content-type"] == "application/json"
    assert by_name.content == manifest.content


def test_a_development_build_is_served_but_never_as_immutable(site: httpx.Client) -> None:
    """A version with +dev is found by its name, and clients ask again each time; its date says nothing."""
    answer = site.get("/release/2019.1.0+dev.0123abcd/graph.ttl")

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert "last-modified" not in answer.headers


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
