"""The processes that answer: they are replaced when they die, and none of them outlives the server."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from kg.core.errors import ReleaseError
from kg.engine.data_source import MB, Limits
from kg.server.app import app

from ..support.servers import started
from ..support.waiting import eventually

PROGRAM = """
import sys
from pathlib import Path
from kg.server.runner import serve
from kg.engine.data_source import Limits
folder = Path(sys.argv[1])
limits = Limits(workers=2, slow_slots=2, seconds=300.0, fast_seconds=0.1)
serve([folder / "data.ttl"], folder, folder, port=0, limits=limits)
"""
DATA = "_:x <http://example.org/p> 1, 2, 3 . <http://example.org/s> <http://example.org/p> 1, 2, 3, 4, 5, 6, 7, 8, 9 ."
# Takes longer than any test waits.
ENDLESS = "SELECT (COUNT(*) AS ?n) { " + " ".join(f"?a{n} ?b{n} ?c{n} ." for n in range(12)) + " }"

SMALL = {"workers": 1, "slow_slots": 1, "fast_seconds": 0.05}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a little data that has blank nodes."""
    (tmp_path / "data.ttl").write_text(DATA, encoding="utf-8")
    return tmp_path


@contextmanager
def server(folder: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """Run a server as a process of its own and give it with a client."""
    with started("-c", PROGRAM, folder) as (process, client, _):
        try:
            yield process, client
        finally:
            process.kill()  # else it would wait for the questions that have no end


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid and state not in "ZX":
            found.append(int(stat.parent.name))
    return found


def zygotes(process: subprocess.Popen[str]) -> list[int]:
    """Return the zygote of a server; none while it is being replaced, and has not yet become its program."""
    return [pid for pid in children(process.pid) if b"zygote" in command_of(pid)]


def command_of(pid: int) -> bytes:
    """Return the command line of a process; nothing where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def family(process: subprocess.Popen[str]) -> tuple[int, list[int]]:
    """Return the zygote of a server and its workers."""
    (zygote,) = zygotes(process)
    return zygote, children(zygote)


def lives(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def ask(site: httpx.Client, query: str = "ASK {}", timeout: float = 30) -> httpx.Response:
    """Send a query in a form."""
    return site.post("/sparql", data={"query": query}, timeout=timeout)


def busy(workers: list[int]) -> list[int]:
    """Return the workers that are at the lowest priority: those that work on slow questions."""
    return [pid for pid in workers if lives(pid) and os.getpriority(os.PRIO_PROCESS, pid) == 19]


@pytest.mark.exhaustive
def test_a_client_that_goes_away_ends_its_question(folder: Path) -> None:
    """A slow question is worked on at the lowest priority; when its client hangs up, its worker ends."""
    with server(folder) as (process, site):
        zygote, _ = family(process)
        with ThreadPoolExecutor() as threads:
            asked = threads.submit(ask, site, ENDLESS, timeout=3)
            assert eventually(lambda: busy(children(zygote)) and len(children(zygote)) == 3)
            (slow,) = busy(children(zygote))
            with pytest.raises(httpx.ReadTimeout):
                asked.result()

        assert eventually(lambda: not lives(slow))
        assert eventually(lambda: len(children(zygote)) == 2)
        assert ask(site).json()["boolean"] is True


@pytest.mark.exhaustive
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_nothing_outlives_the_server(folder: Path, number: int) -> None:
    """When the server is killed, idle and busy workers and the zygote end."""
    with server(folder) as (process, site), ThreadPoolExecutor() as threads:
        zygote, _ = family(process)
        asked = threads.submit(ask, site, ENDLESS)
        assert eventually(lambda: busy(children(zygote)) and len(children(zygote)) == 3)
        everyone = [zygote, *children(zygote)]
        process.send_signal(number)

        assert eventually(lambda: not any(map(lives, everyone)))
        with pytest.raises(httpx.RemoteProtocolError):
            asked.result()


def test_who_is_being_answered_when_the_server_stops_gets_the_answer(folder: Path) -> None:
    """After SIGTERM a question that is under way is answered, and then everything ends quietly."""
    rows = " ".join(map(str, range(1000)))
    query = f"SELECT (COUNT(*) AS ?n) {{ VALUES ?a {{ {rows} }} VALUES ?b {{ {rows} }} VALUES ?c {{ 1 2 3 }} }}"
    with server(folder) as (process, site), ThreadPoolExecutor() as threads:
        zygote, _ = family(process)
        asked = threads.submit(ask, site, query, timeout=300)
        assert eventually(lambda: busy(children(zygote)))
        process.send_signal(signal.SIGTERM)

        assert asked.result().json()["results"]["bindings"][0]["n"]["value"] == "3000000"
        assert process.communicate(timeout=120) == ("", "")
        assert not lives(zygote)


def test_a_worker_that_dies_is_replaced(folder: Path) -> None:
    """Idle workers that are killed are replaced before anybody notices, and so is the zygote itself."""
    with server(folder) as (process, site):
        zygote, workers = family(process)
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: len(children(zygote)) == 2 and not set(children(zygote)) & set(workers))
        assert ask(site).json()["boolean"] is True

        os.kill(zygote, signal.SIGKILL)
        assert eventually(lambda: len(zygotes(process)) == 1 and zygote not in zygotes(process))
        assert ask(site).json()["boolean"] is True
        assert eventually(lambda: len(family(process)[1]) == 2)


def descriptors(pid: int) -> int:
    """Return how many files and sockets a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.exhaustive
def test_nothing_is_left_open(folder: Path) -> None:
    """After 200 questions, answered, refused, filed and fatal ones, no more descriptors are open than before."""
    numbers = " ".join(map(str, range(120)))
    kinds = [
        "ASK {}",
        "ASK {",
        f"SELECT * {{ VALUES ?a {{ {numbers} }} VALUES ?b {{ {numbers} }} }}",
        f"ASK {{ FILTER(1{'||1' * 20_000}) }}",
    ]
    with server(folder) as (process, site), ThreadPoolExecutor(4) as threads:
        site.headers["Connection"] = "close"
        zygote, _ = family(process)
        ask(site)
        assert eventually(lambda: len(children(zygote)) == 2)
        assert eventually(lambda: site.get("/search").status_code == 200)  # its index, too, is open from now on
        before = [descriptors(process.pid), descriptors(zygote)]
        answers = list(threads.map(lambda n: ask(site, kinds[n % 4] if n % 40 < 8 else kinds[0]), range(200)))

        assert {answer.status_code for answer in answers} == {200, 400}
        assert max(len(answer.content) for answer in answers) > MB
        kept = 1  # the answer that is in a file
        # No more, not as many: before, the connection of a question just answered may still have been open.
        assert eventually(lambda: descriptors(process.pid) - kept <= before[0])
        assert eventually(lambda: descriptors(zygote) <= before[1])


@pytest.mark.exhaustive
def test_no_two_workers_draw_the_same_random_numbers(folder: Path) -> None:
    """UUID(), RAND() and BNODE() differ from worker to worker, although all are copies of one process."""
    query = "SELECT (UUID() AS ?u) (RAND() AS ?r) (BNODE() AS ?b) {}"
    with server(folder) as (process, site):
        zygote, _ = family(process)
        drawn = []
        for _ in range(6):
            drawn.append(ask(site, query).json()["results"]["bindings"][0])
            before = set(children(zygote))
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            assert eventually(lambda gone=before: len(set(children(zygote)) - gone) == 2)

    for name in "urb":
        assert len({row[name]["value"] for row in drawn}) == len(drawn)


# Asks a worker whose look at the text has been made blind.
BLIND = """
import os, socket, sys, tempfile
from pyoxigraph import Store
from kg.core import sparql_scanner as sparql
from kg.engine.data_source import Limits
from kg.engine.wire import QueryRequest, receive
from kg.engine.data_source import Source
from kg.engine.worker import confine, serve_queries
sparql.calls_service = lambda query: False
ours, theirs = socket.socketpair()
with tempfile.TemporaryFile() as file:
    parent = os.getpid()
    if os.fork() == 0:
        ours.close()
        if sys.argv[1] == "disk":
            confine(parent)
        serve_queries(Store, theirs, file.fileno(), Limits(), Source(on_disk=sys.argv[1] == "disk"))
        os._exit(0)
    theirs.close()
    for query in sys.argv[2:]:
        ours.sendall(QueryRequest(query).pack())
        print(receive(ours)["status"])
"""


@pytest.mark.parametrize("place", ["memory", pytest.param("disk", marks=pytest.mark.exhaustive)])
def test_service_reaches_nothing_even_where_the_text_was_misread(untouched: Callable[[], str], place: str) -> None:
    """A worker cannot open a socket: were a SERVICE missed in the text, the engine would fail and nobody be called.

    With a store in memory it can open no descriptor at all, with one on the disk no socket.
    """
    service = f"SERVICE <{untouched()}> {{ ?s ?p ?o }}"
    queries = [f"ASK {{ {service} }}", f"CONSTRUCT {{ ?s ?p ?o }} {{ {service} }}"]
    command = [sys.executable, "-c", BLIND, place, *queries]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["403", "403"]


def crowd(site: httpx.Client, number: int, query: str) -> list[httpx.Response]:
    """Send one query many times at once."""
    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(lambda n: ask(site, f"{query} # {n}"), range(number)))


@pytest.mark.parametrize(
    ("limits", "status", "reason"),
    [
        (
            Limits(workers=1, slow_slots=1, seconds=0.5, fast_seconds=0.05, queued_per_client=2),
            429,
            "your address",
        ),
        pytest.param(
            *(Limits(workers=1, slow_slots=1, seconds=0.5, fast_seconds=0.05, waiting=2), 503),
            *("2 queries are queued already",),
            marks=pytest.mark.exhaustive,
        ),
        pytest.param(
            *(Limits(workers=1, slow_slots=1, seconds=2, fast_seconds=0.05, queue_seconds=0.2), 503),
            *("in the queue and was dropped",),
            marks=pytest.mark.exhaustive,
        ),
    ],
)
def test_the_queue_is_bounded(
    folder: Path,
    start: Callable[[FastAPI], AbstractContextManager[httpx.Client]],
    limits: Limits,
    status: int,
    reason: str,
) -> None:
    """Who comes when too many wait, or has waited too long, is told so and when to come again."""
    with start(app([folder / "data.ttl"], folder, folder, limits)) as site:
        answers = crowd(site, 6, ENDLESS)
        refused = [answer for answer in answers if answer.status_code == status and reason in answer.text]

        assert refused
        assert all("retry-after" in answer.headers for answer in refused)
        assert {answer.status_code for answer in answers} <= {429, 503}


def test_data_that_cannot_be_read_is_said_at_the_start(folder: Path) -> None:
    """The error of the process that loads comes to whoever starts the server, with file and line."""
    (folder / "bad.ttl").write_text("<http://example.org/s> .\n", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"bad\.ttl:1:"):
        app([folder / "bad.ttl"], folder, folder)
    assert not [pid for pid in children(os.getpid()) if b"bad.ttl" in command_of(pid)]
