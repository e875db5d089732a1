"""How long the stored queries take from memory, from the disk and from stores elsewhere.

    .venv/bin/python tests/bench/stores.py http://127.0.0.1:8000/sparql http://127.0.0.1:7878/query --rounds 3

Each address is an endpoint of a running server of the same release (`kg serve`, `kg serve --store …`, `oxigraph
serve-read-only`). Every query is asked as new each time, in turns, so that what else the machine does meets all of them
alike. Printed: for each endpoint the median over the queries that all have answered, the slowest of these, and the sum,
in milliseconds of the fastest of the rounds, and which queries it has not answered.
"""

import argparse
import statistics
import time

import httpx

from kg.core.paths import project_folders
from kg.core.sparql_scanner import calls_service
from kg.core.stored_queries import read_queries


def asked(client: httpx.Client, endpoint: str, text: str, patience: float) -> float:
    """How long an answer takes, in milliseconds; infinite where there is none, one that breaks off, or one too late."""
    start = time.perf_counter()
    try:
        answer = client.post(endpoint, data={"query": f"{text}\n# {time.time()}"})
    except httpx.HTTPError:
        return float("inf")
    took = time.perf_counter() - start  # a client's limit is for each read: an answer may come in drops
    return 1000 * took if answer.is_success and took < patience else float("inf")


def main() -> None:
    """Ask and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("endpoints", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--patience", type=float, default=120, help="seconds after which an answer is not waited for")
    arguments = parser.parse_args()
    endpoints: list[str] = arguments.endpoints
    queries = {
        query.name: query.text for query in read_queries(project_folders().queries) if not calls_service(query.text)
    }
    best = {endpoint: dict.fromkeys(queries, float("inf")) for endpoint in endpoints}
    with httpx.Client(timeout=arguments.patience) as client:
        for _ in range(arguments.rounds):
            for name, text in queries.items():
                for endpoint in endpoints:
                    best[endpoint][name] = min(best[endpoint][name], asked(client, endpoint, text, arguments.patience))
    common = [name for name in queries if all(times[name] < float("inf") for times in best.values())]
    print(f"{len(common)} of {len(queries)} queries answered by all")
    for endpoint, times in best.items():
        slowest = max(common, key=lambda name: times[name])
        of_common = [times[name] for name in common]
        print(
            f"{endpoint}: median {statistics.median(of_common):.1f}, slowest {times[slowest]:.0f} ({slowest}),"
            f" sum {sum(of_common):.0f} ms; not answered: {[name for name in queries if times[name] == float('inf')]}"
        )


if __name__ == "__main__":
    main()
