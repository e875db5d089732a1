"""Whose turn it is behind a proxy: the client's where the proxy is trusted, else the proxy's."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from fastapi import FastAPI

from kg.cli import main
from kg.engine.data_source import Limits
from kg.http.client_address import scheduling_key
from kg.server.app import app
from kg.server.request_monitor import AccessLog, OperatorSettings

from ..engine.test_workers import ENDLESS
from ..support.sites import QUERIES
from ..support.waiting import eventually

Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]
HERE = "127.0.0.0/24"


@pytest.fixture(scope="session")
def seen(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Tell which network a server writes down for a request with headers, asked from this machine.

    There is one server for each list of trusted networks.
    """
    sites: dict[tuple[str, ...], tuple[httpx.Client, Path]] = {}
    with ExitStack() as servers:

        def site_that_trusts(*trusted: str) -> tuple[httpx.Client, Path]:
            if trusted not in sites:
                folder = tmp_path_factory.mktemp("proxies")
                (folder / "data.ttl").write_text("<http://e/s> <http://e/p> 1 .", encoding="utf-8")
                log = folder / "access.jsonl"
                operation = OperatorSettings(log=AccessLog(log), trusted=tuple(map(ip_network, trusted)))
                site = servers.enter_context(start(app([folder / "data.ttl"], QUERIES, folder, operation=operation)))
                sites[trusted] = site, log
            return sites[trusted]

        def ask(trusted: list[str], headers: list[tuple[str, str]]) -> str:
            site, log = site_that_trusts(*trusted)
            before = len(log.read_text().splitlines())
            site.get("/healthz", headers=headers)
            assert eventually(lambda: log.read_text().count("\n") > before)
            (line,) = log.read_text().splitlines()[before:]
            return str(json.loads(line)["client"])

        yield ask


@pytest.mark.parametrize(
    ("trusted", "headers", "client"),
    [
        # Nobody is believed who is not named, and nothing but the two headers.
        ([], [("X-Forwarded-For", "203.0.113.7")], HERE),
        (["192.0.2.0/24"], [("X-Forwarded-For", "203.0.113.7")], HERE),
        (["127.0.0.1"], [("X-Real-IP", "203.0.113.7"), ("Client-IP", "203.0.113.7")], HERE),
        (["127.0.0.1"], [], HERE),
        # The last one that is no proxy, whatever stands before it, in however many lines.
        (["127.0.0.1"], [("X-Forwarded-For", "203.0.113.7")], "203.0.113.0/24"),
        (["127.0.0.1"], [("X-Forwarded-For", "198.51.100.1, 203.0.113.7")], "203.0.113.0/24"),
        (["127.0.0.1"], [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "203.0.113.7")], "203.0.113.0/24"),
        (["127.0.0.1", "10.0.0.0/8"], [("X-Forwarded-For", "9.9.9.9, 203.0.113.7, 10.1.2.3")], "203.0.113.0/24"),
        (["127.0.0.1", "10.0.0.0/8"], [("X-Forwarded-For", "10.9.9.9, 10.1.2.3")], "10.9.9.0/24"),
        (["127.0.0.1"], [("X-Forwarded-For", "203.0.113.7:4711")], "203.0.113.0/24"),
        (["127.0.0.1"], [("X-Forwarded-For", "[2001:db8:1:2::3]:4711")], "2001:db8:1::/48"),
        (["127.0.0.1"], [("X-Forwarded-For", "::ffff:203.0.113.7")], "203.0.113.0/24"),
        # What is no address ends the way back.
        (["127.0.0.1"], [("X-Forwarded-For", "203.0.113.7, unknown")], HERE),
        (["127.0.0.1"], [("X-Forwarded-For", "203.0.113.7,")], HERE),
        (["127.0.0.1", "10.0.0.0/8"], [("X-Forwarded-For", "<script>, 10.1.2.3")], "10.1.2.0/24"),
        # Forwarded (RFC 7239).
        (["127.0.0.1"], [("Forwarded", "for=203.0.113.7;proto=https;by=10.0.0.1")], "203.0.113.0/24"),
        (["127.0.0.1"], [("Forwarded", 'for=9.9.9.9, For="[2001:db8:1:2::3]:4711"')], "2001:db8:1::/48"),
        (["127.0.0.1"], [("Forwarded", "proto=https")], HERE),
        # A proxy writes one of the two; what the client has put into the other is not believed.
        (["127.0.0.1"], [("X-Forwarded-For", "203.0.113.7"), ("Forwarded", "for=198.51.100.1")], HERE),
        (["127.0.0.1"], [("X-Forwarded-For", "203.0.113.7"), ("Forwarded", "for=203.0.113.7")], "203.0.113.0/24"),
    ],
)
def test_the_address_of_a_client(
    seen: Callable[..., str], trusted: list[str], headers: list[tuple[str, str]], client: str
) -> None:
    """It is taken from what a trusted proxy has written, and from nowhere else."""
    assert seen(trusted, headers) == client


@pytest.mark.parametrize(
    ("host", "turn"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_by_which_name_a_client_takes_turns(host: str, turn: str) -> None:
    """By its address; all the addresses of one IPv6 customer are one client."""
    assert scheduling_key(host) == turn


@pytest.mark.exhaustive
@pytest.mark.parametrize(("trusted", "answered"), [(["127.0.0.1"], True), ([], False)])
def test_clients_behind_a_trusted_proxy_take_turns(
    start: Start, tmp_path: Path, trusted: list[str], answered: bool
) -> None:
    """One client whose questions fill the queue is told so; another one behind the same proxy is taken in."""
    (tmp_path / "data.ttl").write_text("<http://e/s> <http://e/p> 1, 2, 3, 4, 5, 6, 7, 8, 9 .", encoding="utf-8")
    limits = Limits(workers=1, slow_slots=1, seconds=3, fast_seconds=0.05, queued_per_client=1)
    operation = OperatorSettings(trusted=tuple(map(ip_network, trusted)))
    with start(app([tmp_path / "data.ttl"], tmp_path, tmp_path, limits, operation=operation)) as site:
        from concurrent.futures import ThreadPoolExecutor

        def ask(query: str, client: str) -> int:
            headers = {"X-Forwarded-For": client}
            return site.post("/sparql", data={"query": query}, headers=headers).status_code

        with ThreadPoolExecutor(8) as threads:
            flood = [threads.submit(ask, f"{ENDLESS} # {n}", "203.0.113.7") for n in range(5)]
            assert eventually(lambda: any(question.done() for question in flood))
            slow = f"{ENDLESS} # of another client"
            other = threads.submit(ask, slow, "198.51.100.1")
            statuses = [question.result() for question in flood]

    assert 429 in statuses
    assert (other.result() != 429) is answered


def test_a_network_that_is_none_is_refused() -> None:
    """The option says what it takes."""
    result = CliRunner().invoke(main, ["serve", "--trusted-proxy", "localhost"])

    assert result.exit_code == 2
    assert "192.0.2.0/24" in result.output


def test_the_text_of_queries_needs_a_log(tmp_path: Path) -> None:
    """`--log-queries` alone would do nothing, so it is refused, before a release is built to be served."""
    result = CliRunner().invoke(main, ["serve", "--log-queries", "--out", str(tmp_path / "out")])

    assert result.exit_code == 2
    assert "--access-log" in result.output
    assert not (tmp_path / "out").exists()
