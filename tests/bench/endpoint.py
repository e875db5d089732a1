"""Compares SPARQL endpoints side by side: the same stored questions, the same answers, requests per second in turns.

    .venv/bin/python tests/bench/endpoint.py ours=http://127.0.0.1:8000/sparql native=http://127.0.0.1:7878/query

The first endpoint is the base of every ratio. Each question is asked of every endpoint first, and the answers are
compared; then the endpoints take turns, so that what else the machine does meets all of them. The load comes from wrk
(Debian: apt-get install wrk). With --fresh each request is a query never asked before (a comment with a number), so
that no cache answers it.

    oxigraph (PyPI):   oxigraph load -l STORE -f graph.nt; oxigraph serve-read-only -l STORE
    rdflib-endpoint:   rdflib-endpoint serve graph.nt --port 8001
"""

import argparse
import json
import math
import re
import statistics
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

from kg.core import sparql_scanner
from kg.core.paths import project_folders

QUESTIONS = {
    "everything-about-a-measure": "look-up",
    "row-of-a-measure-as-printed": "look-up",
    "provenance-of-a-target": "look-up",
    "targets-due-in-a-period": "join",
    "joint-measures-of-ministries": "join",
    "measures-by-lead-organization": "aggregate",
    "measures-by-pillar": "aggregate",
    "kpis-by-target-status": "aggregate",
    "documents-by-host": "aggregate",
    "measures-containing-a-word": "text filter",
    "measures-by-listing-time": "OPTIONAL",
    "printed-names-of-organizations": "mentions",
}
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
_ROWS, _GRAPH = "application/sparql-results+json", "application/n-triples"
_SCRIPT = """
local n = {start}
request = function()
  {step}
  return wrk.format("GET", "{path}&query=" .. "{query}" .. "%0A%23" .. n)
end
"""


def accept_of(query: str) -> str:
    """Return the format to ask for."""
    return _GRAPH if sparql_scanner.operation(query) in ("CONSTRUCT", "DESCRIBE") else _ROWS


def answer(url: str, query: str) -> list[str]:
    """Return an answer in a form that can be compared: its rows or statements, sorted."""
    request = urllib.request.Request(
        f"{url}?{urllib.parse.urlencode({'query': query})}", headers={"Accept": accept_of(query)}
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        body = response.read().decode()
    if accept_of(query) == _GRAPH:
        return sorted(body.splitlines())
    return sorted(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in _plain(json.loads(body)))


def _plain(document: dict) -> list[dict]:
    """Return the rows without what endpoints may write or leave out: the datatype of plain strings."""
    rows = document["results"]["bindings"]
    for row in rows:
        for term in row.values():
            if term.get("datatype") == "http://www.w3.org/2001/XMLSchema#string":
                del term["datatype"]
            term["type"] = term["type"].replace("typed-literal", "literal")
    return rows


Run = tuple[float, float, float, int]


def load(url: str, query: str, clients: int, seconds: int, fresh: bool, start: int) -> Run:
    """Ask one query again and again, or as many new ones."""
    parts = urllib.parse.urlsplit(url)
    step = "n = n + 1" if fresh else ""
    path, text = f"{parts.path}?{parts.query}", urllib.parse.quote(query, safe="")
    program = _SCRIPT.format(start=start, step=step, path=path, query=text)
    return asked_by_wrk(url, program, accept_of(query), clients, seconds)


def asked_by_wrk(url: str, program: str, accept: str, clients: int, seconds: int) -> Run:
    """Return requests per second, the median and the 99th percentile in ms, and how many answers were no 2xx."""
    parts = urllib.parse.urlsplit(url)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(program)
        file.flush()
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "--timeout", "60s", "-s", file.name]
        command += ["-H", f"Accept: {accept}", f"{parts.scheme}://{parts.netloc}"]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", printed)[1])
    times = [float(n) * _UNITS[u] for n, u in re.findall(r"(?:50|99)%\s+([\d.]+)(us|ms|s|m)\b", printed)]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    return rate, times[0], times[1], int(bad[1]) if bad else 0


def main() -> None:
    """Compare the answers, then the speed; print each figure with its ratio to the first endpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("endpoints", nargs="+", metavar="NAME=URL")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fresh", action="store_true", help="ask each query once only: no cache can answer")
    parser.add_argument("--only", default="", help="only questions whose name has this in it")
    arguments = parser.parse_args()
    endpoints = dict(pair.split("=", 1) for pair in arguments.endpoints)
    ratios: dict[str, list[float]] = {name: [] for name in endpoints}
    start = 0
    for question, kind in QUESTIONS.items():
        if arguments.only not in question:
            continue
        query = (project_folders().queries / f"{question}.rq").read_text(encoding="utf-8")
        answers = {name: answer(url, query) for name, url in endpoints.items()}
        first = next(iter(answers.values()))
        odd = [name for name, found in answers.items() if found != first]
        print(f"{question} ({kind}, {len(first)} rows)" + (f"  DIFFERENT ANSWERS: {odd}" if odd else ""))
        runs: dict[str, list[Run]] = {name: [] for name in endpoints}
        for _ in range(arguments.rounds):
            for name, url in endpoints.items():
                start += 10_000_000
                runs[name].append(load(url, query, arguments.clients, arguments.seconds, arguments.fresh, start))
        base = max(statistics.median(run[0] for run in next(iter(runs.values()))), 0.01)
        for name, found in runs.items():
            rate, middle, slow = (statistics.median(run[n] for run in found) for n in range(3))
            bad = sum(run[3] for run in found)
            ratios[name].append(max(rate, 0.01) / base)
            print(
                f"  {name:10} {rate:9.1f}/s  x{rate / base:6.2f}  p50 {middle:8.2f} ms  p99 {slow:8.2f} ms"
                + (f"  {bad} REFUSED" if bad else "")
            )
            sys.stdout.flush()
    for name, found in ratios.items():
        print(f"geometric mean {name:10} x{math.exp(statistics.fmean(map(math.log, found))):.2f}")


if __name__ == "__main__":
    main()
