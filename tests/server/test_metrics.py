"""What those who operate the server see: readiness, metrics, the access log."""

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from kg.core.errors import KgError
from kg.core.release import Release
from kg.engine.data_source import Limits
from kg.server.app import app
from kg.server.request_monitor import AccessLog, OperatorSettings

from ..engine.test_workers import ENDLESS, children, family, folder, server
from ..support.sites import QUERIES
from ..support.waiting import eventually

__all__ = ["folder"]  # a fixture

Start = Callable[..., AbstractContextManager[httpx.Client]]
SECRET = 'SELECT ?name { ?person <http://example.org/name> ?name FILTER(?name = "秘密") }'


def metrics(site: httpx.Client) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and the values of its labels."""
    families = text_string_to_metric_families(site.get("/metrics").text)
    return {(s.name, *(s.labels[key] for key in sorted(s.labels))): s.value for f in families for s in f.samples}


def of(samples: dict[tuple[str, ...], float], name: str) -> dict[tuple[str, ...], float]:
    """Return the samples of one name by the values of their labels, in the order of the labels' names."""
    return {key[1:]: value for key, value in samples.items() if key[0] == name}


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the access log is written."""
    return tmp_path_factory.mktemp("log") / "access.jsonl"


@pytest.fixture(scope="session")
def logged(start: Start, release: Release, out: Path, log: Path) -> Iterator[httpx.Client]:
    """A client of a server with an access log, which several tests ask."""
    with start(app(release, QUERIES, out, operation=OperatorSettings(log=AccessLog(log)))) as client:
        yield client


def begun(logged: httpx.Client, log: Path) -> int:
    """Return how many lines a log has, now that all that was asked before is in it."""
    last = f"/nothing/{uuid4()}"
    logged.get(last)
    assert eventually(lambda: last in log.read_text())
    return log.read_text().count("\n")


def lines(log: Path, number: int, begin: int = 0) -> list[dict[str, object]]:
    """Return the lines of a log once there are so many, from one on: they are written when the answer has been sent."""
    assert eventually(lambda: log.exists() and log.read_text().count("\n") >= begin + number)
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()[begin:]]


def more(after: dict[tuple[str, ...], float], before: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Return what has been counted in between."""
    return {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}


def test_requests_are_counted_by_route_method_and_status(logged: httpx.Client) -> None:
    """Only words of the server's own become labels, whatever paths and methods come."""
    before = of(metrics(logged), "kg_http_requests_total")
    for path in ("/sparql?query=ASK%7B%7D", "/sparql?query=nonsense", "/release/2019.1.0/graph.ttl", "/queries"):
        logged.get(path)
    for path in ("/wp-admin/x.php", "/%00", "/..%2f..%2fetc/passwd", "/sparqlx", "/%2e", "/施策"):
        logged.get(path)
    logged.request("PROPFIND", "/sparql")
    counted = more(of(metrics(logged), "kg_http_requests_total"), before)  # labels: method, route, status

    assert counted["GET", "/sparql", "200"] == 1
    assert counted["GET", "/sparql", "400"] == 1
    assert counted["GET", "/release", "200"] == 1
    assert counted["GET", "other", "404"] == 6
    assert counted["other", "/sparql", "405"] == 1
    assert {route for _, route, _ in counted} <= {"/sparql", "/release", "/queries", "other", "/metrics"}


def test_answers_are_counted_by_how_they_were_had(logged: httpx.Client) -> None:
    """Asked, kept, sent again as it was sent, dependent on the moment; and how long each took."""
    before, name = metrics(logged), "kg_http_request_duration_seconds"
    query = {"query": "ASK {} # nobody has asked this before"}
    logged.get("/sparql", params=query)
    logged.get("/sparql", params=query)
    logged.get("/sparql", params=query, headers={"If-None-Match": '"other"'})
    logged.get("/sparql", params={"query": "SELECT (NOW() AS ?t) {}"})
    logged.get("/healthz")
    samples = metrics(logged)

    assert more(of(samples, "kg_answers_total"), of(before, "kg_answers_total")) == {
        ("asked",): 1,
        ("kept",): 1,
        ("momentary",): 1,
        ("replayed",): 1,
    }
    times = more(of(samples, f"{name}_count"), of(before, f"{name}_count"))
    # What is served are the first reading of the metrics, which counts itself at its end, and the health.
    assert times == {("asked",): 1, ("kept",): 1, ("momentary",): 1, ("replayed",): 1, ("served",): 2}
    for outcome in times:
        assert of(samples, f"{name}_sum")[outcome] > of(before, f"{name}_sum").get(outcome, 0)
        assert of(samples, f"{name}_bucket")["+Inf", *outcome] == of(samples, f"{name}_count")[outcome]


def test_the_release_and_the_process_are_named(logged: httpx.Client, release: Release) -> None:
    """What is served, of how many triples, and the library's own metrics of the process."""
    assert eventually(lambda: logged.get("/readyz").status_code == 200)
    samples = metrics(logged)

    assert [key[1] for key in of(samples, "kg_release_info")] == [release.version]
    assert of(samples, "kg_release_triples")[(release.version,)] == logged.get("/readyz").json()["triples"]
    assert of(samples, "process_resident_memory_bytes")[()] > 1_000_000


def test_metrics_come_in_the_format_that_is_asked_for(logged: httpx.Client) -> None:
    """Prometheus' own text format, or OpenMetrics; never from a cache."""
    plain = logged.get("/metrics")
    open_metrics = logged.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    assert plain.headers["content-type"].startswith("text/plain")
    assert plain.headers["cache-control"] == "no-store"
    assert open_metrics.headers["content-type"].startswith("application/openmetrics-text")
    assert open_metrics.text.endswith("# EOF\n")


def test_what_happens_to_workers_is_counted(folder: Path, start: Start) -> None:
    """A query that is ended for its time, one that kills its worker, the places, and the questions that wait."""
    limits = Limits(workers=1, slow_slots=1, seconds=3.0, fast_seconds=0.05)
    deadly = f"ASK {{ FILTER(1{'&&1' * 20_000}) }}"
    with start(app([folder / "data.ttl"], folder, folder, limits)) as site:
        assert site.post("/sparql", data={"query": deadly}).status_code == 400
        assert site.post("/sparql", data={"query": ENDLESS}).status_code == 503
        assert eventually(lambda: of(metrics(site), "kg_workers_alive")[()] == 1)
        samples = metrics(site)

    events = of(samples, "kg_pool_events_total")
    assert events["worker ended: late",] == 1
    assert events["worker died of a question",] == 1
    assert events["worker started",] >= 3
    assert of(samples, "kg_questions_places") == {("fast",): 1, ("slow",): 1}
    assert set(of(samples, "kg_questions_running").values()) == {0}
    assert set(of(samples, "kg_questions_waiting").values()) == {0}
    assert of(samples, "kg_http_request_duration_seconds_count")["refused",] == 2


@pytest.mark.exhaustive
def test_it_is_not_ready_while_no_worker_can_answer(folder: Path) -> None:
    """Without the process that forks workers it lives but is not ready, says when to ask again, and recovers."""
    with server(folder) as (process, site):
        assert eventually(lambda: site.get("/readyz").status_code == 200)
        assert site.get("/readyz").json() == {"release": None, "triples": 12, "store": "memory", "workers": 2}
        zygote, _ = family(process)
        os.kill(zygote, signal.SIGKILL)
        assert eventually(lambda: site.get("/readyz").status_code == 503)
        assert site.get("/healthz").text == "ok\n"
        assert eventually(lambda: site.get("/readyz").status_code == 200)
        assert eventually(lambda: len(children(family(process)[0])) == 2)
        assert of(metrics(site), "kg_pool_events_total")["zygote died",] == 1


def test_the_log_tells_what_was_answered_and_not_who_asked_what(logged: httpx.Client, log: Path) -> None:
    """Of the address it has the network, of a query the beginning of its SHA-256, also where it is sent again."""
    begin = begun(logged, log)
    for _ in range(2):
        logged.get("/sparql", params={"query": SECRET})
    logged.post("/sparql", data={"query": "nonsense"})
    logged.head("/queries")
    first, second, refused, head = lines(log, 4, begin)
    digest = hashlib.sha256(SECRET.encode()).hexdigest()

    assert {key: first[key] for key in ("method", "path", "status", "client", "outcome")} == {
        "method": "GET",
        "path": "/sparql",
        "status": 200,
        "client": "127.0.0.0/24",
        "outcome": "asked",
    }
    assert set(first) == {"time", "client", "method", "path", "status", "bytes", "ms", "outcome", "query"}
    assert first["query"] == second["query"] == digest[:16]
    assert first["bytes"] == second["bytes"] > 0
    assert first["ms"] > 0
    assert second["outcome"] == "replayed"
    assert (refused["status"], refused["outcome"]) == (400, "refused")
    assert (head["method"], head["bytes"], "query" in head) == ("HEAD", 0, False)
    written = "".join(log.read_text(encoding="utf-8").splitlines(keepends=True)[begin:])
    assert "秘密" not in written
    assert "\\u" not in written


def test_the_text_of_queries_is_logged_only_where_it_is_asked_for(
    start: Start, release: Release, out: Path, tmp_path: Path
) -> None:
    """With it each line still is one line of JSON."""
    log = tmp_path / "access.jsonl"
    with start(app(release, QUERIES, out, operation=OperatorSettings(log=AccessLog(log, with_queries=True)))) as site:
        site.get("/sparql", params={"query": f"{SECRET}\n# two lines"})

    assert [line["text"] for line in lines(log, 1)] == [f"{SECRET}\n# two lines"]


def test_what_a_client_writes_cannot_forge_a_line(logged: httpx.Client, log: Path) -> None:
    """Line ends and quotation marks in a path are escaped, and a long path is cut."""
    begin = begun(logged, log)
    logged.get('/%0A{"status":200}%22%0D')
    logged.get(f"/{'a' * 10_000}")
    forged, long = lines(log, 2, begin)

    assert forged["path"] == '/\n{"status":200}"\r'
    assert len(long["path"]) == 500


def test_a_log_that_was_moved_away_is_begun_anew(logged: httpx.Client, log: Path, tmp_path: Path) -> None:
    """As logrotate does it: no signal is needed, and no line is lost."""
    begin = begun(logged, log)
    log.rename(tmp_path / "access.1")
    asked = 0
    while not log.exists() and asked < 300:
        logged.get("/healthz")
        asked += 1
        time.sleep(0.01)

    written = [*lines(tmp_path / "access.1", 0, begin), *lines(log, 1)]
    assert len(written) == asked


def test_a_log_that_cannot_be_written_is_said_at_the_start(tmp_path: Path) -> None:
    """The error names the option."""
    with pytest.raises(KgError, match="--access-log"):
        AccessLog(tmp_path / "missing" / "access.jsonl")


def test_a_server_without_a_log_writes_nothing(site: httpx.Client, capfd: pytest.CaptureFixture[str]) -> None:
    """By default who has asked what is written nowhere."""
    site.get("/sparql", params={"query": "ASK { <a> <b> 'a query that nobody has asked before' }"})

    assert capfd.readouterr() == ("", "")


def test_two_servers_count_for_themselves(site: httpx.Client, logged: httpx.Client) -> None:
    """What one server is asked does not show up at another one in the same process."""
    asked = ("GET", "/queries", "200")
    before = [of(metrics(server), "kg_http_requests_total").get(asked, 0) for server in (site, logged)]
    site.get("/queries")
    after = [of(metrics(server), "kg_http_requests_total").get(asked, 0) for server in (site, logged)]

    assert after == [before[0] + 1, before[1]]
