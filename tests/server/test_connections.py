"""What a connection may take: slow, oversized and malformed requests are refused in bounded time."""

import contextlib
import json
import socket
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from kg.http.conditional_requests import EVERYWHERE
from kg.server.app import app
from kg.server.connection_limits import KB, ConnectionLimits

from ..support.sites import QUERIES

Start = Callable[..., AbstractContextManager[httpx.Client]]
QUICK = ConnectionLimits(
    connections=20, head_seconds=0.5, body_seconds=0.5, idle_seconds=0.5, stalled_seconds=0.5, lingering_seconds=1
)
ASK = b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
# Much longer than any of the limits above, and the clock's step: the machine may be busy.
PATIENCE = 60


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], FastAPI]:
    """Make an application of a little data."""
    folder = tmp_path_factory.mktemp("data")
    lines = (f'<http://e/{n}> <http://e/p> "{"x" * 1000}" .\n' for n in range(20_000))
    (folder / "data.nt").write_text("".join(lines), encoding="utf-8")
    return lambda: app([folder / "data.nt"], QUERIES, folder)


@pytest.fixture(scope="session")
def ended() -> Counter[str]:
    """How many connections were ended, by reason."""
    return Counter()


@pytest.fixture(scope="session")
def quick(start: Start, application: Callable[[], FastAPI], ended: Counter[str]) -> Iterator[httpx.Client]:
    """A client of a server that has little patience."""
    with start(application(), QUICK, lambda reason: ended.update([reason])) as client:
        yield client


@contextlib.contextmanager
def connected(site: httpx.Client) -> Iterator[socket.socket]:
    """Open a plain connection."""
    with socket.create_connection((site.base_url.host, site.base_url.port), timeout=PATIENCE) as connection:
        yield connection


def rest(connection: socket.socket) -> bytes:
    """Return all that comes until the server closes the connection."""
    content = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(1 << 16):
            content += piece
    return content


def sent(site: httpx.Client, *pieces: bytes) -> bytes:
    """Send pieces at once and return what comes until the server closes."""
    with connected(site) as connection, contextlib.suppress(BrokenPipeError):
        for piece in pieces:
            connection.sendall(piece)
        return rest(connection)
    raise AssertionError("the server has closed before it was asked")


def statuses(answer: bytes) -> list[int]:
    """Return the statuses of the answers in what was received."""
    lines = answer.split(b"HTTP/1.1 ")[1:]
    return [int(line[:3]) for line in lines]


def body(answer: bytes) -> dict[str, object]:
    """Return the problem document of an answer."""
    return json.loads(answer.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"a" * (65 * KB) + b" HTTP/1.1\r\n", 414),
        (b"GET /" + b"a" * (2 << 20), 414),
        (ASK + b"X: " + b"a" * (33 * KB) + b"\r\n\r\n", 431),
        (ASK + b"X: " + b"a" * (2 << 20), 431),
        (ASK + b"X" * (2 << 20), 431),
        (ASK + b"".join(b"X-%d: a\r\n" % n for n in range(101)) + b"\r\n", 431),
        (b"HELLO\r\n\r\n", 501),
        (b"BREW /pot HTTP/1.1\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nno field\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET /\r\n\r\n", 505),
        (b"GET /a b HTTP/1.1\r\n\r\n", 400),
        (ASK + b"X: a\0b\r\n\r\n", 400),
        (ASK + b"X: a\r\n folded\r\n\r\n", 400),
        (b"CONNECT example.org:443 HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 501),
    ],
)
def test_a_head_that_is_too_large_or_malformed_is_refused(quick: httpx.Client, head: bytes, status: int) -> None:
    """The answer is a problem document with the headers of every answer, and the connection is closed."""
    answer = sent(quick, head)
    fields = httpx.Headers(
        [line.split(b": ", 1) for line in answer.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]]  # type: ignore[misc]
    )

    assert statuses(answer) == [status]
    assert body(answer)["status"] == status
    assert fields["content-type"] == "application/problem+json"
    assert fields["connection"] == "close"
    assert {name.lower(): value for name, value in EVERYWHERE.items()}.items() <= dict(fields).items()


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        b"Content-Length: 3\r\nContent-Length: 30\r\n\r\nASKGET /smuggled HTTP/1.1\r\n\r\n",
        b"Content-Length: 3, 30\r\n\r\nASKGET /smuggled HTTP/1.1\r\n\r\n",
        b"Content-Length: +3\r\n\r\nASKGET /smuggled HTTP/1.1\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: xchunked\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    ],
)
def test_no_second_request_hides_in_the_body_of_the_first(quick: httpx.Client, framing: bytes) -> None:
    """Where two programs could read the length of a body in two ways, there is one answer, a refusal, and the end."""
    assert statuses(sent(quick, POST + framing)) in ([400], [501])


@pytest.mark.parametrize(
    ("first", "then", "status"),
    [
        (ASK, b"X", 408),
        pytest.param(b"GET /", b"a", 408, marks=pytest.mark.exhaustive),
        pytest.param(POST + b"Content-Length: 1000\r\n\r\n", b"#", 408, marks=pytest.mark.exhaustive),
    ],
)
def test_who_sends_slowly_is_ended(
    quick: httpx.Client, ended: Counter[str], first: bytes, then: bytes, status: int
) -> None:
    """A head and a body have their time as a whole: to send a byte now and then does not make it longer."""
    before = ended["slow"]
    with connected(quick) as connection:
        connection.sendall(first)
        started = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - started < PATIENCE:
                connection.sendall(then)
                time.sleep(0.2)
        assert time.monotonic() - started < PATIENCE
    with connected(quick) as connection:
        connection.sendall(first)
        assert statuses(rest(connection)) == [status]
    assert ended["slow"] == before + 2


@pytest.mark.exhaustive
@pytest.mark.parametrize("start_with", [b"", b"\r\n", ASK + b"\r\n"])
def test_an_idle_connection_is_closed(quick: httpx.Client, start_with: bytes) -> None:
    """Who says nothing, whether before the first request or after one, is not waited for; empty lines say nothing."""
    with connected(quick) as connection:
        connection.sendall(start_with)
        with contextlib.suppress(OSError):
            for _ in range(40):
                time.sleep(0.05)
                connection.sendall(b"\r\n")
        answer = rest(connection)

    assert statuses(answer) == ([200] if start_with.startswith(b"GET") else [])


@pytest.mark.exhaustive
def test_who_takes_nothing_of_an_answer_is_ended(quick: httpx.Client, ended: Counter[str]) -> None:
    """An answer of 20 MB waits for a client that has stopped reading, and not for ever."""
    everything = b"GET /sparql?query=SELECT%20*%20%7B%3Fs%20%3Fp%20%3Fo%7D&format=csv HTTP/1.1\r\nHost: x\r\n\r\n"
    before = ended["stalled"]
    with connected(quick) as connection:
        connection.sendall(everything)
        started = time.monotonic()
        while ended["stalled"] == before and time.monotonic() - started < 2 * PATIENCE:
            time.sleep(0.05)
        answer = rest(connection)

    assert ended["stalled"] == before + 1
    assert statuses(answer[:100]) == [200]
    assert len(answer) < 20_000_000


def test_a_body_that_is_too_long_is_refused_before_it_has_come(quick: httpx.Client) -> None:
    """The refusal comes after the head, or as soon as too much has come; who goes on sending can still read it."""
    announced = POST + b"Content-Length: 100000000000\r\n\r\n"
    chunks = POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"#" * 65536 + b"\r\n") * 17

    assert statuses(sent(quick, announced)) == [413]
    assert statuses(sent(quick, chunks)) == [413]
    with pytest.raises(urllib.error.HTTPError) as refused:  # by a client that sends all before it reads
        urllib.request.urlopen(f"{quick.base_url}/sparql", data=b"query=" + b"#" * 5_000_000)
    with refused.value as answer:
        assert answer.status == 413


def test_a_client_that_goes_away_within_its_body_leaves_no_trace(
    quick: httpx.Client, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written to standard error, and the next one is answered."""
    for length in (b"1000", b"100000"):
        with connected(quick) as connection:
            connection.sendall(POST + b"Content-Length: " + length + b"\r\n\r\nASK")
    time.sleep(0.2)

    assert quick.get("/sparql", params={"query": "ASK {}"}).status_code == 200
    assert capfd.readouterr().err == ""


@pytest.mark.exhaustive
def test_idle_connections_make_room(quick: httpx.Client, ended: Counter[str]) -> None:
    """With three times as many silent connections as there may be, everybody who asks is answered."""
    before = ended["crowded"]
    with contextlib.ExitStack() as crowd:
        for _ in range(3 * QUICK.connections):
            crowd.enter_context(connected(quick)).sendall(b"GET / HT")
        for _ in range(5):
            assert statuses(sent(quick, ASK + b"Connection: close\r\n\r\n")) == [200]

    assert ended["crowded"] > before


def test_requests_can_follow_each_other_without_waiting(quick: httpx.Client) -> None:
    """Some are answered in their order; who sends very many without waiting for an answer is ended."""
    few = sent(quick, (ASK + b"\r\n") * 10 + ASK + b"Connection: close\r\n\r\n")
    many = sent(quick, (ASK + b"\r\n") * 1000)

    assert statuses(few) == [200] * 11
    assert len(statuses(many)) < 50


def test_a_malformed_request_behind_a_good_one_does_not_cost_its_answer(quick: httpx.Client) -> None:
    """The first is answered; then the connection is closed."""
    assert statuses(sent(quick, ASK + b"\r\nnonsense\r\n\r\n")) == [200]


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0"])
def test_who_offers_another_protocol_is_answered_in_this_one(quick: httpx.Client, protocol: bytes) -> None:
    """Java's client offers HTTP/2 with its first request, also with a body: each request is answered, in order."""
    offer = b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n"
    counted = POST + offer + b"Content-Length: 6\r\n\r\nASK {}"
    chunked = POST + offer + b"Transfer-Encoding: chunked\r\n\r\n3\r\nASK\r\n3\r\n {}\r\n0\r\n\r\n"
    answer = sent(quick, ASK + offer + b"\r\n", counted, chunked, counted, ASK + b"Connection: close\r\n\r\n")

    assert statuses(answer) == [200] * 5
    assert answer.count(b"true") == 5


@pytest.mark.exhaustive
def test_a_long_question_may_come_in_a_long_time(start: Start, application: Callable[[], FastAPI]) -> None:
    """The limits as they are by default let a query of 200 KB through that comes in pieces."""
    query = b"ASK {} #" + b"x" * (200 * KB)
    with start(application()) as site, connected(site) as connection:
        connection.sendall(POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(query))
        for place in range(0, len(query), 20 * KB):
            connection.sendall(query[place : place + 20 * KB])
            time.sleep(0.05)
        assert statuses(rest(connection)) == [200]


def test_fewer_descriptors_mean_fewer_connections(tmp_path: Path) -> None:
    """Where the system allows few descriptors, those for files and workers are not given to connections."""
    import resource

    from kg.server.runner import server_of

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        server = server_of(FastAPI())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert server.config.http.keywords["guard"].limits.connections == 56  # type: ignore[union-attr]
