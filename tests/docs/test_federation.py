"""The stored query over two endpoints, with a second server that is none of ours."""

import re
import subprocess
from pathlib import Path

import httpx
import pytest

from kg.core.paths import project_folders
from kg.core.sparql_scanner import services

from .conftest import SCRIPTS, Servers, Serving

STATISTICS = Path(__file__).parents[1] / "queries" / "statistics.ttl"
FEDERATED = [
    file for file in sorted(project_folders().queries.glob("*.rq")) if services(file.read_text(encoding="utf-8"))
]
NOWHERE = "https://statistics.example.org/sparql"


def asked(servers: Servers, file: Path) -> httpx.Response:
    """Ask a stored query with the second endpoint in place of the address that stands for one."""
    text = servers.as_here(file.read_text(encoding="utf-8").replace(NOWHERE, "http://127.0.0.1:7878/query"))
    return httpx.post(servers.url("/sparql"), data={"query": text}, headers={"Accept": "text/csv"}, timeout=60)


@pytest.mark.parametrize("file", FEDERATED, ids=lambda file: file.stem)
def test_a_stored_query_over_two_endpoints_is_answered(
    servers: Servers, second: Serving, tmp_path: Path, file: Path
) -> None:
    """The measures of the real release are joined with what the second server holds; 06-17 names Okinawa."""
    load = [str(SCRIPTS / "oxigraph"), "load", "--location", "other", "--file", str(STATISTICS)]
    subprocess.run(load, cwd=tmp_path, check=True, capture_output=True)
    with second(tmp_path):
        answer = asked(servers, file)

    assert answer.status_code == 200, answer.text
    rows = [re.split(",(?! )", line) for line in answer.text.splitlines()[1:]]
    assert [(row[0].rpartition("/")[2], row[-2], row[-1]) for row in rows] == [
        ("06-17", "2010", "4701"),
        ("06-17", "2015", "4702"),
    ]


@pytest.mark.parametrize("file", FEDERATED, ids=lambda file: file.stem)
def test_without_the_second_endpoint_it_says_so(servers: Servers, file: Path) -> None:
    """The address that stands for one is refused with what to do; the second endpoint, where it is down, is named."""
    text = file.read_text(encoding="utf-8")
    refused = httpx.post(servers.url("/sparql"), data={"query": text})
    down = asked(servers, file)

    assert (refused.status_code, down.status_code) == (403, 502)
    assert f"127.0.0.1:{servers.other}/query" in refused.json()["detail"]
    assert f"127.0.0.1:{servers.other}/query" in down.json()["detail"]


def test_the_server_declares_that_it_federates(servers: Servers) -> None:
    """A server that was started with --service-allow says so in its service description."""
    description = httpx.get(servers.url("/sparql"), headers={"Accept": "text/turtle"}).text

    assert "BasicFederatedQuery" in description
