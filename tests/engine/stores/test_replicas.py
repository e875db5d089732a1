"""Three servers behind a real HAProxy, set up by deploy/haproxy.cfg: one is killed, the others switch release."""

import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from ...support.processes import free_ports, process_of
from ...support.published import STATEMENTS, write
from ...support.stores import DEPLOY, program
from ...support.waiting import eventually

pytestmark = pytest.mark.exhaustive

ROOT = Path(__file__).resolve().parents[3]
DOCS = [ROOT / "docs" / name for name in ("replicas.md", "replicas.ja.md")]
CONFIGURATION = DEPLOY / "haproxy.cfg"
SERVERS = ("SERVER_ONE", "SERVER_TWO", "SERVER_THREE")
CLIENTS = 6
PROGRAM = """
import sys
from pathlib import Path
from kg.core.paths import project_folders
from kg.core.release import current_release
from kg.server.runner import serve
out = Path(sys.argv[1])
serve(current_release(out), project_folders().queries, out, port=int(sys.argv[2]), follow=True)
"""
# The same of the graph and of a named graph, in one answer, and how much there is of it.
QUERY = """SELECT (COUNT(*) AS ?n) (COUNT(DISTINCT ?v) AS ?different) (SAMPLE(?v) AS ?version) (SAMPLE(?w) AS ?other) {
  ?s <http://example.org/version> ?v GRAPH <https://w3id.org/shisaku/void> { ?x <http://example.org/version> ?w } }"""
LOADED = re.compile(r'(?:src|href)="(?:\./)?(static/[^"]+)"')
VERSION = re.compile(r"release/(\d)\b")


def configuration(page: Path) -> str:
    """Return the configuration that a page shows."""
    (block,) = re.findall(r"```haproxy\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return block


@contextmanager
def haproxy(folder: Path, ports: list[int]) -> Iterator[str]:
    """Run HAProxy in front of servers at these ports; give its address."""
    path = program("haproxy", "haproxy")
    (port,) = free_ports(1)
    servers = {name: f"127.0.0.1:{server}" for name, server in zip(SERVERS, ports, strict=True)}
    folder.mkdir()
    command, url = [path, "-db", "-f", str(CONFIGURATION)], f"http://127.0.0.1:{port}"
    with process_of(command, f"{url}/readyz", folder, SITE_ADDRESS=f"127.0.0.1:{port}", **servers):
        yield url


def current(out: Path, version: str) -> None:
    """Make a release the current one, as a build does."""
    write(out, version)
    link = out / "next"
    link.symlink_to(Path("releases") / version)
    link.replace(out / "current")


@dataclass
class Seen:
    """What a client has been answered: what failed, what was mixed, and the releases in their order."""

    failed: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    releases: list[str] = field(default_factory=list)


def visit(url: str, address: str, seen: Seen, done: threading.Event) -> None:
    """Ask again and again, as a visitor from an address of its own: a query, a page, and all that the page loads."""
    number = 0
    with httpx.Client(base_url=url, transport=httpx.HTTPTransport(local_address=address), timeout=30) as client:
        while not done.is_set():
            number += 1
            try:
                answer = client.post("/sparql", data={"query": f"{QUERY} #{address} {number}", "format": "json"})
                page = client.get("/", params={"n": number}, headers={"Accept": "text/html"})
                loaded = [
                    client.get(f"/{path}") for path in re.findall(r'(?:src|href)="(?:\./)?(static/[^"]+)"', page.text)
                ]
            except httpx.HTTPError as error:
                seen.failed.append(repr(error))
                continue
            seen.failed += [f"{one.url} {one.status_code}" for one in (answer, page, *loaded) if one.status_code != 200]
            if answer.status_code == 200:
                (row,) = answer.json()["results"]["bindings"]
                told = {name: term["value"] for name, term in row.items()}
                seen.releases.append(told["version"])
                if (told["n"], told["different"], told["other"]) != (str(STATEMENTS), "1", told["version"]):
                    seen.mixed.append(answer.text)
            named = set(VERSION.findall(page.text))
            if page.status_code == 200 and (not loaded or len(named) > 1):
                seen.mixed.append(f"a page that loads {len(loaded)} files and names the releases {named}")


def test_a_server_is_killed_and_the_others_switch_and_no_request_fails(tmp_path: Path) -> None:
    """Every answer comes, whole and of one release; pages find what they load; at the end all get the new one."""
    outs, ports = [tmp_path / f"out-{name}" for name in SERVERS], free_ports(len(SERVERS))
    visitors = {f"127.0.1.{number + 1}": Seen() for number in range(CLIENTS)}
    done = threading.Event()
    with ExitStack() as stack:
        processes = []
        for out, port in zip(outs, ports, strict=True):
            current(out, "1")
            command = [sys.executable, "-c", PROGRAM, str(out), str(port)]
            processes.append(stack.enter_context(process_of(command, f"http://127.0.0.1:{port}/readyz", out)))
        url = stack.enter_context(haproxy(tmp_path / "haproxy", ports))
        threads = [threading.Thread(target=visit, args=(url, *one, done)) for one in visitors.items()]
        for thread in threads:
            thread.start()
        everybody = list(visitors.values())
        assert eventually(lambda: all(len(seen.releases) > 5 for seen in everybody))
        busiest = max(range(len(SERVERS)), key=lambda number: asked(ports[number]))
        processes[busiest].send_signal(signal.SIGKILL)
        before = [len(seen.releases) for seen in everybody]
        assert eventually(lambda: all(len(seen.releases) > n + 5 for seen, n in zip(everybody, before, strict=True)))
        for number in {*range(len(SERVERS))} - {busiest}:
            current(outs[number], "2")
            time.sleep(1)
        assert eventually(lambda: all(seen.releases[-1] == "2" for seen in everybody))
        done.set()
        for thread in threads:
            thread.join()

    assert [seen.failed for seen in everybody] == [[]] * CLIENTS
    assert [seen.mixed for seen in everybody] == [[]] * CLIENTS
    # Each visitor has stayed with one server: nobody goes back to the old release.
    assert all(seen.releases == sorted(seen.releases) for seen in everybody)


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_the_page_shows_the_configuration_that_is_run(page: Path) -> None:
    """Who copies it, in either language, gets what is tested."""
    assert configuration(page) == CONFIGURATION.read_text(encoding="utf-8")


def asked(port: int) -> int:
    """Return how many queries a server has been asked."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    return sum(int(float(count)) for count in re.findall(r'requests_total\{[^}]*route="/sparql"[^}]*\} (\S+)', text))
