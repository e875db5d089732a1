"""Measures what the worker processes cost and what they are good for.

    .venv/bin/python tests/bench/workers.py                       the current release
    .venv/bin/python tests/bench/workers.py --data graph.nt --seconds 20 --timeout 5

Cost: an ordinary query by one and by eight clients, asked of the server and of one that differs only in that it asks
the engine in a thread of its own process. Both take turns, so that what else the machine does meets both.

Use: the latency of the ordinary query alone and beside eight clients that send hostile queries without a pause, each
from an address of its own, and have begun three seconds before; first the same queries again and again, then each with
a comment of its own, so that it is known to nobody.
"""

import argparse
import http.client
import itertools
import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from kg.core.paths import project_folders
from kg.core.release import current_release
from kg.engine.data_source import Limits, Source
from kg.engine.query_evaluator import BoundedOutput, evaluate
from kg.engine.wire import QueryRequest
from kg.http.sparql_endpoint import accept_header, read_post
from kg.server.runner import serve

ORDINARY = "SELECT ?s { ?s <http://purl.org/dc/terms/title> ?title } LIMIT 10"
ALL = "?a ?b ?c . ?d ?e ?f"
HOSTILE = [
    f"SELECT (COUNT(*) AS ?n) {{ {ALL} . ?g ?h ?i }}",
    f"SELECT (GROUP_CONCAT(CONCAT(STR(?a), STR(?d))) AS ?x) {{ {ALL} }}",
    f"SELECT * {{ {ALL} FILTER(REGEX(CONCAT(STR(?a), STR(?f)), '(.*)(.*)(.*)(.*)(.*)x{{90}}')) }}",
    f"SELECT (COUNT(DISTINCT CONCAT(STR(?a), STR(?d))) AS ?n) {{ {ALL} }}",
    f"CONSTRUCT {{ ?a ?e ?c }} {{ {ALL} }}",
    f"SELECT * {{ {ALL} }} ORDER BY ?f ?c LIMIT 1",
    f"ASK {{ {' '.join(f'?s{n} ?p ?s{n + 1} .' for n in range(300))} }}",
    f"ASK {{ FILTER(true {'&& true ' * 20_000}) }}",
]


def in_threads(source: Source) -> FastAPI:
    """Return an application that asks the engine in a thread of its own process."""
    store, limits, application = source.open(), Limits(), FastAPI()

    def answered(question: QueryRequest) -> tuple[str, bytes]:
        output = BoundedOutput(0, limits)
        return evaluate(store, question, output, limits).content_type, output.body()

    @application.post("/sparql")
    async def post(request: Request) -> Response:
        body = await request.body()
        question = read_post(request.headers.get("content-type", ""), request.scope["query_string"], body)
        content_type, content = await run_in_threadpool(answered, replace(question, accept=accept_header(request)))
        return Response(content, headers={"Content-Type": content_type, "Vary": "Accept"})

    return application


@contextmanager
def started(how: str, arguments: argparse.Namespace, port: int) -> Iterator[int]:
    """Run this program as a server on a port until the context ends."""
    command = [sys.executable, __file__, "--serve", how, "--port", str(port), *sys.argv[1:]]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(600):
                try:
                    send(http.client.HTTPConnection("127.0.0.1", port), encoded("ASK {}"))
                    break
                except OSError:
                    time.sleep(0.1)
            yield port
        finally:
            process.terminate()


def encoded(query: str) -> str:
    """Return a query as a form."""
    return urllib.parse.urlencode({"query": query})


def send(connection: http.client.HTTPConnection, body: str) -> int:
    """Send a form and return the status; the answer is read and thrown away."""
    connection.request("POST", "/sparql", body, {"Content-Type": "application/x-www-form-urlencoded"})
    response = connection.getresponse()
    response.read()
    return response.status


def latencies(port: int, seconds: float, clients: int = 1) -> list[float]:
    """Ask the ordinary query for some time by a number of clients; return the sorted times in milliseconds."""
    times, numbers = list[float](), itertools.count(time.time_ns())
    end = time.perf_counter() + seconds

    body = encoded(ORDINARY)

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while (start := time.perf_counter()) < end:
            # With a number of its own, so that no kept answer serves it.
            assert send(connection, f"{body}%0A%23{next(numbers)}") == 200
            times.append((time.perf_counter() - start) * 1000)
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(times)


@contextmanager
def besieged(port: int, vary: bool) -> Iterator[Callable[[], str]]:
    """Let another process send hostile queries; gives what tells, after its end, how they were answered."""
    command = [sys.executable, __file__, "--serve", "hostile", "--port", str(port), *(["--vary"] if vary else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        time.sleep(3)
        yield lambda: process.communicate()[0].strip()


def be_hostile(port: int, vary: bool) -> None:
    """Send eight hostile queries without a pause until standard input ends; print how they were answered."""
    statuses, numbers = list[int](), itertools.count()

    def client(number: int, query: str) -> None:
        # Each from an address of its own, which is worse than all from one.
        connection = http.client.HTTPConnection("127.0.0.1", port, source_address=(f"127.0.0.{number + 2}", 0))
        body = encoded(query)
        while True:
            statuses.append(send(connection, f"{body}%0A%23{next(numbers)}" if vary else body))

    for number, query in enumerate(HOSTILE):
        threading.Thread(target=client, args=(number, query), daemon=True).start()
    sys.stdin.read()
    print({status: statuses.count(status) for status in sorted(set(statuses))})


def line(name: str, times: list[float], more: str = "") -> str:
    """Return a line of the report."""
    p50, p99 = statistics.median(times), times[int(len(times) * 0.99)]
    return f"{name:34} n {len(times):6}  p50 {p50:7.2f}  p99 {p99:7.2f}  max {times[-1]:7.2f} ms  {more}"


def cost(arguments: argparse.Namespace) -> None:
    """Print what a small query costs beside the engine in a thread."""
    with started("workers", arguments, 8601) as ours, started("threads", arguments, 8602) as other:
        for clients in (1, 8):
            ratios, ours_all, other_all = [], list[float](), list[float]()
            for _ in range(5):
                one, two = (latencies(port, arguments.seconds / 10, clients) for port in (ours, other))
                ratios.append(len(one) / len(two))
                ours_all, other_all = sorted(ours_all + one), sorted(other_all + two)
            print(line(f"worker processes, {clients} clients", ours_all))
            print(line(f"threads, {clients} clients", other_all))
            spread = f"({min(ratios):.2f} to {max(ratios):.2f})"
            print(f"{'':34} requests, ours / threads: x{statistics.median(ratios):.2f} {spread}")


def use(arguments: argparse.Namespace) -> None:
    """Print the latency of an ordinary query alone and beside hostile ones."""
    with started("workers", arguments, 8603) as port:
        alone = latencies(port, arguments.seconds)
        print(line("alone", alone))
        for vary, name in ((False, "beside eight hostile, the same"), (True, "beside eight hostile, each new")):
            with besieged(port, vary) as told:
                times = latencies(port, arguments.seconds)
                ratio = times[int(len(times) * 0.99)] / alone[int(len(alone) * 0.99)]
                hostile = told()
            print(line(name, times, f"p99 x{ratio:.1f}; the hostile: {hostile}"))
        print(line("alone again", latencies(port, arguments.seconds)))


def run_server(how: str, arguments: argparse.Namespace) -> None:
    """Be one of the servers."""
    folders = project_folders()
    release = current_release(folders.out)
    data = [arguments.data] if arguments.data else release or sys.exit("no release: run kg build first")
    if how == "workers":
        limits = Limits(seconds=arguments.timeout)
        serve(data, folders.queries, folders.out, port=arguments.port, limits=limits)
    else:
        uvicorn.run(in_threads(Source.of(data, Limits())), port=arguments.port, log_level="warning", access_log=False)


def main() -> None:
    """Measure, or be a server where --serve says so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="an RDF file instead of the current release")
    parser.add_argument("--seconds", type=float, default=10, help="how long each latency is measured")
    parser.add_argument("--timeout", type=float, default=5, help="the time limit of the server")
    parser.add_argument("--serve", choices=["workers", "threads", "hostile"], help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--vary", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve == "hostile":
        be_hostile(arguments.port, arguments.vary)
        return
    if arguments.serve:
        run_server(arguments.serve, arguments)
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    cost(arguments)
    use(arguments)


if __name__ == "__main__":
    main()
