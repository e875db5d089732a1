"""Sends a running server what nobody would: mutated queries of the W3C's tests, and random bytes. Prints a report.

    .venv/bin/python tests/bench/fuzz.py                      20,000 requests at the current release
    .venv/bin/python tests/bench/fuzz.py --requests 2000 --seed 7 --data graph.nt

Three quarters are queries of the W3C's archive with parts cut out, repeated, exchanged or made random, sent in each way
that the protocol has; one quarter are requests that are malformed as HTTP: heads, framing, addresses, forms, with
random bytes in them. The server is one of this program's own, on this machine only, with a short time limit.

What must hold: no 5xx but 501 and 505 for what is no HTTP/1.1, and 503 with Retry-After; each answer is whole; as many
workers live at the end as before; an ordinary query is answered as before. It ends with 1 where something does not, and
prints the memory of the front on the way.
"""

import argparse
import http.client
import json
import os
import random
import re
import socket
import subprocess
import sys
import tarfile
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ARCHIVE = Path(__file__).parents[1] / "w3c" / "rdf-tests.tar.xz"
ORDINARY = "SELECT ?s { ?s ?p ?o } ORDER BY ?s ?p ?o LIMIT 5"
WORDS = re.compile(r"\w+|\s+|<[^>]*>|\"[^\"]*\"|.", re.DOTALL)
SPICE = [
    *"{}()[]<>\"'\\;,.|&!*+?^$@#%/:=\0\r\n\ufeff\u202e施😀",
    "SERVICE <http://127.0.0.1:9/> {",
    "FROM <http://127.0.0.1:9/>",
    "GROUP_CONCAT(",
    "OPTIONAL {",
    "UNION",
    "999999999999999999999999",
    "1e9999",
    "<../../..>",
    "\\u0000",
    "\\U0010FFFF",
    "BIND(",
    "(?x|^?y)*",
    "VALUES ?v { " + "1 " * 2000 + "}",
    "(" * 400,
    "{" * 300,
    "<<( ?a ?b ?c )>>",
]
CLIENTS = 12
QUERY = "application/sparql-query"
FORM = "application/x-www-form-urlencoded"


def queries() -> list[str]:
    """Return the queries of the W3C's tests."""
    with tarfile.open(ARCHIVE) as archive:
        names = [entry for entry in archive if entry.name.endswith((".rq", ".ru"))]
        return [archive.extractfile(entry).read().decode("utf-8", "replace") for entry in names]


def mutated(chance: random.Random, texts: list[str]) -> str:
    """Return a query with a few parts cut out, repeated, exchanged, spiced, or taken from another one."""
    parts = WORDS.findall(chance.choice(texts)) or [""]
    for _ in range(chance.choice((0, 0, 1, 1, 1, 2, 4, 20))):
        place = chance.randrange(len(parts))
        kind = chance.randrange(6)
        if kind == 0:
            del parts[place : place + chance.randrange(1, 4)]
        elif kind == 1:
            parts[place:place] = parts[place : place + 8] * chance.choice((1, 1, 2, 50))
        elif kind == 2:
            other = chance.randrange(len(parts))
            parts[place], parts[other] = parts[other], parts[place]
        elif kind == 3:
            parts[place:place] = WORDS.findall(chance.choice(texts))[:30]
        elif kind == 4:
            parts.insert(place, chance.choice(SPICE))
        else:
            parts[place] = "".join(
                chr(chance.choice((chance.randrange(128), chance.randrange(0xD800)))) for _ in "1234"
            )
        parts = parts[:20_000] or [""]
    return "".join(parts)


def asked(chance: random.Random, texts: list[str]) -> bytes:
    """Return a well-formed request that asks a mutated query in one of the ways of the protocol."""
    text = mutated(chance, texts).encode("utf-8", "surrogatepass")
    form = urllib.parse.urlencode({"query": text}).encode()
    accept = chance.choice(
        ("*/*", "text/csv", "text/turtle", "application/json;q=0.1, */*", "image/png", "\x7f;q=9", "")
    )
    common = f"Host: x\r\nAccept: {accept}\r\nConnection: close\r\n".encode()
    way = chance.randrange(5)
    if way == 0:
        format = chance.choice(
            ("", "&format=csv", "&format=%ff", "&default-graph-uri=x:%00", "&named-graph-uri=http://e/")
        )
        return b"GET /sparql?" + form + format.encode() + b" HTTP/1.1\r\n" + common + b"\r\n"
    method = b"QUERY" if way == 4 else b"POST"
    kind, body = (FORM, form) if way in (1, 2) else (QUERY, text)
    length = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return method + b" /sparql HTTP/1.1\r\n" + common + length + body


def malformed(chance: random.Random, texts: list[str]) -> bytes:
    """Return a request with random bytes somewhere in its head, address or body; or nothing but random bytes."""
    paths = ("/", "/sparql", "/release/latest/", "/static/", "/doc/", "/id/", "/lookup?iri=", "/queries/", "/def")
    if chance.random() < 0.3:  # an address of random characters that HTTP allows
        tail = "".join(chance.choice("/.%%%2eEfF05cC;&=?+~*()'!:@施") for _ in range(chance.randrange(60)))
        address = chance.choice(paths) + urllib.parse.quote(tail, safe="/.%;&=?+~*()'!:@")
        return f"GET {address} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    request = bytearray(asked(chance, texts)) if chance.random() < 0.9 else bytearray(chance.randbytes(300))
    head = max(1, request.find(b"\r\n\r\n"))
    for _ in range(chance.choice((1, 1, 2, 8))):
        place = chance.randrange(head)
        request[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
    return bytes(request)


def answer_to(port: int, request: bytes, patience: float = 60) -> tuple[int, bytes]:
    """Send a request; return the status and all that came, or 0 where the connection was closed without an answer.

    It raises TimeoutError where nothing comes for `patience` seconds.
    """
    content = b""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection, suppress(ConnectionError):
        connection.sendall(request)
        while piece := connection.recv(1 << 16):
            content += piece
    return (int(content[9:12]) if content.startswith(b"HTTP/1.1 ") else 0), content


def wrong(status: int, content: bytes) -> str:
    """Return what is wrong with an answer; empty where nothing is."""
    head, _, body = content.partition(b"\r\n\r\n")
    if status >= 500 and status not in (501, 503, 505):
        return f"status {status}"
    if status == 503 and b"retry-after:" not in head.lower():
        return "503 without Retry-After"
    length = re.search(rb"content-length: (\d+)", head.lower())
    if length and status != 304 and int(length[1]) != len(body):
        return f"{len(body)} bytes of {int(length[1])}"
    return ""


@contextmanager
def served(arguments: argparse.Namespace) -> Iterator[tuple[int, int]]:
    """Run a server as a process of its own; gives its number and its port."""
    data = ["--data", str(arguments.data)] if arguments.data else []
    command = [sys.executable, "-m", "kg", "serve", "--port", "0", "--timeout", "2", *data]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.pid, int(re.search(r":(\d+)/", process.stdout.readline())[1])
        finally:
            process.terminate()


def resident(pid: int) -> float:
    """Return the memory of a process in MB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def ready(port: int) -> dict[str, object]:
    """Return what the server says of its readiness."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/readyz")
    return json.loads(connection.getresponse().read())


def ordinary(port: int) -> bytes:
    """Return the answer to an ordinary query, asked anew."""
    request = f"GET /sparql?{urllib.parse.urlencode({'query': f'{ORDINARY} # {time.time()}'})} HTTP/1.1\r\n"
    _, content = answer_to(port, f"{request}Connection: close\r\n\r\n".encode())
    return content.partition(b"\r\n\r\n")[2]


def campaign(port: int, arguments: argparse.Namespace, number: int, first: int) -> tuple[Counter[int], list[str]]:
    """Send so many requests by a few clients; return the statuses and what was wrong."""
    texts, statuses, faults = queries(), Counter[int](), list[str]()
    numbers = iter(range(first, first + number))

    def client() -> None:
        for place in numbers:
            chance = random.Random(f"{arguments.seed} {place}")  # each request can be made again by its number
            spoilt = chance.random() < 0.25
            request = (malformed if spoilt else asked)(chance, texts)
            try:
                # The server may be waiting for the rest of it, so nobody waits long for the server.
                status, content = answer_to(port, request, 1 if spoilt else 60)
            except TimeoutError:
                statuses[-1] += 1
                if not spoilt:
                    faults.append(f"request {place}: no answer in 60 s: {request[:300]!r}")
                continue
            statuses[status] += 1
            if fault := wrong(status, content):
                faults.append(f"request {place}: {fault}: {request[:300]!r} … {content[-300:]!r}")

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses, faults


def main() -> int:
    """Send everything and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--data", type=Path, help="an RDF file instead of the current release")
    arguments = parser.parse_args()
    with served(arguments) as (pid, port):
        before, state = ordinary(port), ready(port)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; the front has {resident(pid):.0f} MB")
        started, faults, total = time.perf_counter(), list[str](), Counter[int]()
        for quarter in range(4):
            statuses, wrongs = campaign(port, arguments, arguments.requests // 4, quarter * arguments.requests // 4)
            total, faults = total + statuses, faults + wrongs
            print(f"after {total.total():6,}: the front has {resident(pid):.0f} MB", flush=True)
        # 0: closed without an answer; -1: a spoilt request whose rest the server waited for.
        print(f"{total.total():,} requests in {time.perf_counter() - started:.0f} s: {dict(sorted(total.items()))}")
        for _ in range(20):  # those that work on the last slow questions are ended, and replaced
            if ready(port) == state:
                break
            time.sleep(1)
        else:
            faults.append(f"it was ready as {state}, it is {ready(port)}")
        if ordinary(port) != before:
            faults.append("an ordinary query has another answer than before")
        metrics = answer_to(port, b"GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n")[1].decode()
        print("\n".join(re.findall(r"^kg_(?:pool|connections|answers|workers_alive).*", metrics, flags=re.MULTILINE)))
    print("\n".join(faults[:20]) or "nothing was wrong")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
