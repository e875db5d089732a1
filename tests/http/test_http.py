"""HTTP as its specifications have it, where clients differ: hosts, codings, negotiation, CORS, addresses."""

import socket
from urllib.parse import quote

import httpx
import pytest

from ..server.test_connections import statuses

BROWSER = {"Accept": "text/html"}
GET = b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\n"
POST = b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"


def answered(site: httpx.Client, request: bytes) -> list[int]:
    """Return the statuses of what comes back for the bytes of a request."""
    with socket.create_connection((site.base_url.host, site.base_url.port), timeout=60) as connection:
        connection.sendall(request)
        return statuses(b"".join(iter(lambda: connection.recv(1 << 16), b"")))


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Host: example.org\r\n", 200),
        (b"Host: [::1]:8000\r\n", 200),
        (b"Host: \r\n", 200),
        (b"", 400),
        (b"Host: a\r\nHost: a\r\n", 400),
        (b"Host: a b\r\n", 400),
        (b"Host: a/b\r\n", 400),
        (b"Host: user@a\r\n", 400),
        (b"Host: a:80x\r\n", 400),
        (b"Host: [::1\r\n", 400),
    ],
)
def test_a_request_names_one_host(site: httpx.Client, head: bytes, status: int) -> None:
    """A request of HTTP/1.1 has exactly one valid field Host (RFC 9112, 3.2)."""
    assert answered(site, GET + head + b"Connection: close\r\n\r\n") == [status]


def test_an_old_client_needs_no_host(site: httpx.Client) -> None:
    """HTTP/1.0 knows no field Host."""
    assert answered(site, GET.replace(b"1.1", b"1.0") + b"\r\n") == [200]


def test_an_address_may_be_typed_as_it_is_read(real_site: httpx.Client) -> None:
    """curl sends what is typed: UTF-8 in an address is taken as if it were percent-encoded, other bytes are told."""
    typed = "GET /search?q=防災&lang=ja HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection((real_site.base_url.host, real_site.base_url.port), timeout=60) as connection:
        connection.sendall(typed.encode("cp932"))
        told = b"".join(iter(lambda: connection.recv(1 << 16), b""))

    assert answered(real_site, typed.encode()) == [200]
    assert statuses(told) == [400] and b"percent-encode" in told


@pytest.mark.parametrize(
    ("coding", "status"),
    [(b"chunked", 200), (b"Chunked", 200), (b"gzip, chunked", 501), (b"x-unknown, chunked", 501)],
)
def test_of_codings_of_the_transfer_one_is_known(site: httpx.Client, coding: bytes, status: int) -> None:
    """A body that comes in pieces is read; one that is coded in another way is refused (RFC 9112, 6.1)."""
    body = b"6\r\nASK {}\r\n0\r\n\r\n"
    head = POST + b"Transfer-Encoding: " + coding + b"\r\nConnection: close\r\n\r\n"

    assert answered(site, head + body) == [status]


@pytest.mark.parametrize("path", ["/sparql", "/reconcile"])
def test_a_coded_body_is_refused_with_what_is_read(real_site: httpx.Client, path: str) -> None:
    """A compressed body gets 415, and `Accept-Encoding` says what would be taken (RFC 9110, 12.5.3 and 15.5.16)."""
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/x-www-form-urlencoded"}
    answer = real_site.post(path, content=b"\x1f\x8b\x08", headers=headers)
    plain = real_site.post(path, data={"query": "ASK {}", "queries": "{}"}, headers={"Content-Encoding": "identity"})

    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    assert plain.status_code == 200


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ('text/csv;q=0.1, application/json;profile="a,b;q=0"', "application/sparql-results+json"),
        ('text/csv;x="\\",text/html;q=1";q=0.9, text/tab-separated-values;q=0.5', "text/csv"),
        ('text/csv;x="not closed, application/json', "text/csv"),
    ],
)
def test_a_quoted_string_in_accept_is_one_word(site: httpx.Client, accept: str, media_type: str) -> None:
    """Commas and semicolons within quotes divide nothing (RFC 9110, 5.6.4)."""
    answer = site.get("/sparql", params={"query": "SELECT * {}"}, headers={"Accept": accept})

    assert answer.headers["content-type"].partition(";")[0] == media_type


@pytest.mark.parametrize(
    "path",
    [
        *("/browse", "/queries", "/doc/organization/mic", "/id/organization/mic", "/def", "/search?q=a", "/sparql"),
        *("/nowhere", "/doc/nowhere", "/queries/nowhere", "/release/9/", "/changes", "/browse?nowhere=1", "/source/x"),
        *("/sparql?query=SELECT", "/quality?nowhere=1", "/lookup?iri=x", "/release/9/sparql?query=ASK%7B%7D"),
    ],
)
def test_what_depends_on_accept_says_so(real_site: httpx.Client, path: str) -> None:
    """`Vary` names Accept on every answer that another Accept would change, errors included (RFC 9110, 12.5.5)."""
    answers = [real_site.get(path, headers={"Accept": accept}) for accept in ("text/html", "*/*", "image/png")]

    assert len({answer.headers.get("content-type") for answer in answers} | {answer.status_code for answer in answers})
    for answer in answers:
        named = [name.strip().lower() for name in answer.headers["vary"].split(",")]
        assert "accept" in named, answer.headers


@pytest.mark.parametrize("path", ["/browse", "/queries", "/search?q=a", "/def", "/release/2019.1.0/", "/sparql"])
def test_who_names_no_form_takes_any(real_site: httpx.Client, path: str) -> None:
    """A request without Accept is answered as one that takes anything (RFC 9110, 12.5.1)."""
    request = real_site.build_request("GET", path)
    del request.headers["accept"]
    without, anything = real_site.send(request), real_site.get(path, headers={"Accept": "*/*"})

    assert without.status_code == 200
    assert without.headers["content-type"] == anything.headers["content-type"]
    assert without.content == anything.content


@pytest.mark.parametrize("path", ["/queries/nowhere", "/release/9/", "/sparql/nowhere", "/queries?subject=nowhere"])
def test_a_person_is_refused_on_a_page(real_site: httpx.Client, path: str) -> None:
    """A browser gets what is wrong on a page with the way back, in either language."""
    page = real_site.get(f"{path}{'&' if '?' in path else '?'}lang=ja", headers=BROWSER)

    assert page.status_code in (400, 404)
    assert page.headers["content-type"].startswith("text/html")
    assert "最初のページへ" in page.text


@pytest.mark.parametrize("path", ["/sparql", "/browse", "/nowhere", "/doc/x", "/release/9/sparql", "/reconcile"])
def test_a_page_of_another_site_may_send_any_field(real_site: httpx.Client, path: str) -> None:
    """A preflight grants what it asks for, of unknown paths, too, so that a script can see their 404 (Fetch, 4.9)."""
    wanted = "authorization, x-requested-with"
    headers = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    granted = real_site.options(path, headers={**headers, "Access-Control-Request-Headers": wanted})
    odd = real_site.options(path, headers={**headers, "Access-Control-Request-Headers": "a:b"})

    assert granted.status_code == odd.status_code == 204
    assert granted.headers["access-control-allow-headers"] == wanted
    assert granted.headers["access-control-allow-origin"] == "*"
    assert odd.headers["access-control-allow-headers"] == "*"


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("/browse/?pillar=other", "/browse?pillar=other"),
        ("/queries/", "/queries"),
        ("/queries/measures-by-pillar/", "/queries/measures-by-pillar"),
        ("/docs/linking/", "/docs/linking"),
        ("/pictures/", "/pictures"),
        ("/search/?q=a", "/search?q=a"),
        ("/about//", "/about"),
        ("/doc/organization/mic/", "/doc/organization/mic"),
        ("/doc/municipal-2019/measure/01-05/?page=1", "/doc/municipal-2019/measure/01-05?page=1"),
        ("/id/organization/mic/?lang=ja", "/doc/organization/mic?lang=ja"),
    ],
)
def test_a_slash_too_many_leads_to_the_page(real_site: httpx.Client, asked: str, meant: str) -> None:
    """An address with a slash at its end leads to the one without, with its parameters."""
    answer = real_site.get(asked, headers=BROWSER)
    assert answer.status_code == 308
    followed = real_site.get(asked, headers=BROWSER, follow_redirects=True)
    assert (followed.status_code, str(followed.url)) == (200, str(real_site.base_url.join(meant)))
    assert real_site.get("/nowhere/", headers=BROWSER).status_code == 404
    assert real_site.get("/doc/organization/nowhere/").status_code == 404
    assert real_site.get("/browse%2F").status_code == 404  # an escaped slash is none, and leads nowhere


def test_addresses_of_other_endpoints_are_taken(site: httpx.Client) -> None:
    """What forms of other endpoints send is understood: no graph chosen, and a + that has become a space."""
    query = "query=SELECT%20*%20%7B%7D"
    empty = site.get(f"/sparql?default-graph-uri=&named-graph-uri=&{query}")
    spaced = site.get(f"/sparql?{query}&format=application/sparql-results+xml")
    posted = site.post("/sparql", data={"default-graph-uri": "", "query": "SELECT * {}"})

    assert empty.status_code == posted.status_code == 200
    assert spaced.headers["content-type"] == "application/sparql-results+xml"


def test_every_parameter_of_a_path_is_described(real_site: httpx.Client) -> None:
    """/openapi.json declares what stands in braces in a path, once, and nothing else as a part of it."""
    for path, operations in real_site.get("/openapi.json").json()["paths"].items():
        names = {part[1:-1].partition(":")[0] for part in path.replace(".", "/").split("/") if part.startswith("{")}
        for operation in operations.values():
            declared = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
            assert (sorted(declared), path) == (sorted(names), path)


@pytest.mark.parametrize(
    ("query", "place", "words"),
    [
        ("SELECT ?a, ?b { ?a ?b ?c }", "line 1, column 10", "by spaces, not commas"),
        ("SELECT ?a { ?a ?b ?c }\nORDER BY ?a, ?b", "line 2, column 12", "by spaces, not commas"),
        ("SELECT\u3000?a { ?a ?b ?c }", "line 1, column 7", "U+3000 has no meaning here; write a space"),
        ("SELECT ?a {\n ?a ?b\u00a0?c }", "line 2, column 7", "U+00A0 has no meaning here; write a space"),
        ("SELECT ?a { ?a ?b “x” }", "line 1, column 19", "U+201C"),
        ("SELECT ?a ｛ ?a ?b ?c ｝", "line 1, column 11", "write { instead"),
        ("SELECT ?a { ?a ?b ?c } LIMIT １０", "line 1, column 30", "write 1 instead"),
        ("SELECT count(*) { ?a ?b ?c }", "line 1, column 8", "(count(*) AS ?count)"),
        ("SELECT COUNT(?a) AS ?n { ?a ?b ?c }", "line 1, column 8", "(COUNT(?a) AS ?n)"),
        ("SELECT (COUNT(*)) { ?a ?b ?c }", "line 1, column 9", "(COUNT(*) AS ?count)"),
        ("SELECT ?a { ?a foaf:name ?c }", "line 1, column 16", "No PREFIX declares foaf:"),
        ("SELECT ?a { ?a ?b ?c FILTER(?a == 1) }", "line 1, column 32", "SPARQL writes =, not =="),
        ("SELECT ?a { ?a ?b ?c FILTER(?a <> 1) }", "line 1, column 32", "SPARQL writes !=, not <>"),
        ("SELECT ?a { ?a ?b ?c FILTER(?a = 1 and ?c = 2) }", "line 1, column 36", "SPARQL writes &&, not and"),
        ("SELECT ?a { ?a ?b 'x }", "line 1, column 19", "never closed"),
        ("SELECT ?a { ?a ?b ?c ", "line 1, column 11", "never closed"),
        ("SELEC ?a { ?a ?b ?c }", "line 1, column 1", "Unknown query form SELEC"),
        ("SELECT ?a { ?a ?b\u200e?c }", "line 1, column 18", "U+200E has no meaning here"),
        ("SELECT ?a { ?a ?b ?c }\x0bLIMIT 1", "line 1, column 23", "U+000B has no meaning here; write a space"),
        ("SELECT (COUNT(*) AS n) { ?a ?b ?c }", "line 1, column 21", "AS ?n"),
        ("SELECT ?a { ?a ?b ?c } ORDER BY ?c DESC", "line 1, column 33", "DESC(?c)"),
        ("SELECT ?a { ?a ?b ?c } ORDER BY desc ?c", "line 1, column 33", "DESC(?c)"),
        ("SELECT ?a { ?a a https://e.org/C }", "line 1, column 18", "<https://e.org/C>"),
        ("SELECT ?a { ?a a <https://e.org/C > }", "line 1, column 34", "cannot contain a space"),
        ("PREFIX e <http://e/> SELECT * {}", "line 1, column 9", "PREFIX e: <…>"),
        ("PREFIX e: http://e/ SELECT * {}", "line 1, column 11", "<http://e/>"),
        ("@prefix e: <http://e/> . SELECT * {}", "line 1, column 1", "without @"),
        ("PREFIX e: <http://e/>; SELECT * {}", "line 1, column 22", "is not followed by ;"),
        ("SELECT * {} -- all", "line 1, column 13", "A comment starts with #"),
        ("/* all */ SELECT * {}", "line 1, column 1", "A comment starts with #"),
    ],
)
def test_a_mistake_in_a_query_is_said_in_plain_words(site: httpx.Client, query: str, place: str, words: str) -> None:
    """Every client is told what is wrong and where, as the editor tells it; the engine's own words stand behind."""
    answer = site.get("/sparql", params={"query": query}, headers={"Accept": "*/*"})

    assert answer.status_code == 400
    detail = answer.json()["detail"]
    assert detail.startswith(place) and words in detail, detail
    assert "invalid SPARQL query" in detail


@pytest.mark.parametrize(
    "query",
    [
        'SELECT ?a { ?a ?b "x" . ?c }',
        'SELECT ?a { ?a ?b "" } LIMIT ten',
        "SELECT ?a { ?a ?b <http://e/o> } LIMIT ten",
        "SELECT ?a { ?a ?b 'see https://e.org -- or //' } LIMIT ten # https://e.org/",
    ],
)
def test_a_mistake_elsewhere_is_not_sought_in_texts(site: httpx.Client, query: str) -> None:
    """Of a query with another mistake, no text, IRI or comment is called one; the engine speaks then."""
    answer = site.get("/sparql", params={"query": query})

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("invalid SPARQL query")


def test_what_a_group_lacks_is_told(site: httpx.Client) -> None:
    """Where SELECT returns what has no value for each group, that is said before the engine's own words."""
    answer = site.get("/sparql", params={"query": "SELECT ?a { ?a ?b ?c } GROUP BY ?b"})

    assert answer.json()["detail"].startswith("SELECT returns a variable that has no value for each group.")


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JAPANESE = 'ASK { FILTER("施策を探す" = "施策を探す") }'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_query_is_read_where_its_encoding_is_sure(site: httpx.Client, encoding: str) -> None:
    """With a mark at its beginning, as editors save files: as a body, as a field of a form, in an address."""
    field = f"query={quote(JAPANESE.encode(encoding))}"
    answers = [
        site.post("/sparql", content=JAPANESE.encode(encoding), headers={"Content-Type": "application/sparql-query"}),
        site.post("/sparql", content=field, headers=FORM),
        site.get(f"/sparql?{field}"),
    ]

    assert [answer.json().get("boolean", answer.text) for answer in answers] == [True] * 3


@pytest.mark.parametrize(("encoding", "name"), [("cp932", "Shift_JIS"), ("euc_jp", "EUC-JP"), ("utf-16", "UTF-16")])
def test_a_query_in_another_encoding_is_named(site: httpx.Client, encoding: str, name: str) -> None:
    """Nothing is guessed: what the bytes look like is told, by every way to send them."""
    content = JAPANESE.encode(encoding)
    answers = [
        site.post("/sparql", content=content, headers={"Content-Type": "application/sparql-query"}),
        site.post("/sparql", content=f"query={quote(content)}", headers=FORM),
        site.get(f"/sparql?query={quote(content)}"),
    ]

    for answer in answers:
        assert (answer.status_code, f"this looks like {name}" in answer.json()["detail"]) == (400, True), answer.text


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?a { ?a ?b '、“　' } # ， == AND",
        "SELECT (CONCAT(?x, ?y) AS ?z) { ?x ?y ?w , ?v } ORDER BY (IF(?x = ?y, 1, 2))",
        "PREFIX e: <http://e/ＡＮＤ> SELECT (COUNT(*) AS ?n) { ?s e:施策 ?o ; e:ＡＢ 'OR' }",
    ],
)
def test_what_only_looks_like_a_mistake_is_none(site: httpx.Client, query: str) -> None:
    """Texts, comments, names and arguments of functions hold such characters rightly: no mended query is needed."""
    assert site.get("/sparql", params={"query": query}).status_code == 200
