"""HEAD and OPTIONS on every public path."""

import httpx
import pytest

# Each path of /openapi.json, its parameters filled in, and those that the document leaves out.
FILLED = {
    "{version}": "2019.1.0",
    "{name}": "graph.ttl",
    "{path}": "organization/mic",
    "/docs/organization/mic": "/docs/researcher",
    "/queries/graph.ttl": "/queries/measures-by-pillar",
    "/reconcile/preview": "/reconcile/preview?id=organization/mic",
    "/lookup": "/lookup?iri=https://w3id.org/shisaku/id/organization/mic",
}
BESIDE = ("/", "/sparql/", "/release/latest/", "/release/2019.1.0", "/static/style.css", "/openapi.json")
# Of no use for a comparison: they say when and how fast an answer was made.
PASSING = {"date", "server-timing"}


@pytest.fixture(scope="module")
def paths(real_site: httpx.Client) -> list[str]:
    """Every public path, as a client would write it."""
    documented = real_site.get("/openapi.json").json()["paths"]
    for name, value in FILLED.items():
        documented = [path.replace(name, value) for path in documented]
    # The metrics are others each time, and one release alone has no changes.
    left_out = ("/metrics", "/changes")
    return [path for path in (*documented, *BESIDE) if "{" not in path and path not in left_out]


def test_head_is_get_without_a_body(real_site: httpx.Client, paths: list[str]) -> None:
    """HEAD has the status and the headers of GET, but for a length that only sending would tell (RFC 9110, 9.3.2)."""
    differing = {}
    for path in paths:
        get, head = real_site.get(path), real_site.head(path)
        untold = PASSING if "content-length" in head.headers else {*PASSING, "content-length", "transfer-encoding"}
        kept = [{k: v for k, v in answer.headers.items() if k not in untold} for answer in (get, head)]
        if path == "/metrics":  # each reading of the counts is another one
            kept = [{"content-type": answer["content-type"]} for answer in kept]
        if head.content or get.status_code != head.status_code or kept[0] != kept[1]:
            differing[path] = kept
        assert get.status_code < 400, path

    assert differing == {}
    assert {"/sparql", "/queries", "/healthz", "/release/2019.1.0/graph.ttl"} <= set(paths)


def test_options_says_what_a_path_can_be_asked(real_site: httpx.Client, paths: list[str]) -> None:
    """OPTIONS is answered 204 with the methods, for programs (`Allow`) and for the browsers of other sites."""
    for path in paths:
        answer = real_site.options(
            path, headers={"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
        )
        methods = answer.headers["allow"].split(", ")

        assert (answer.status_code, answer.content) == (204, b"")
        assert {"GET", "HEAD", "OPTIONS"} <= set(methods)
        endpoint = path.startswith("/sparql") or path.endswith("/sparql")  # of all releases, or of one
        assert ("QUERY" in methods) == endpoint
        assert ("POST" in methods) == (endpoint or path == "/reconcile")
        assert answer.headers["access-control-allow-methods"] == answer.headers["allow"]
        assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "QUERY", "PROPFIND"])
def test_any_other_method_is_refused(real_site: httpx.Client, paths: list[str], method: str) -> None:
    """A method that a path does not have is 405 with those that it has."""
    for path in paths:
        allowed = real_site.options(path).headers["allow"]
        if method not in allowed:
            answer = real_site.request(method, path)

            assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
            assert answer.headers["content-type"] == "application/problem+json"
