"""How long the stored queries take from memory and from stores elsewhere: `python tests/bench/stores.py URL …`.

Each URL is a running server of the same release (`kg serve`, `kg serve --store …`). Every query is asked as new each
time, in turns, so that what else the machine does meets all of them alike. Printed: for each server the median over
the queries, the slowest one, and the sum, in milliseconds of the fastest of the rounds.
"""

import statistics
import sys
import time

import httpx

from kg.places import places
from kg.queries import read_queries
from kg.sparql import calls_service

ROUNDS = 5


def main(urls: list[str]) -> None:
    """Ask and print."""
    queries = {query.name: query.text for query in read_queries(places().queries) if not calls_service(query.text)}
    best = {url: dict.fromkeys(queries, float("inf")) for url in urls}
    with httpx.Client(timeout=120) as client:
        for turn in range(ROUNDS):
            for name, text in queries.items():
                for url in urls:
                    start = time.perf_counter()
                    answer = client.post(f"{url.rstrip('/')}/sparql", data={"query": f"{text}\n# {time.time()} {turn}"})
                    answer.raise_for_status()
                    best[url][name] = min(best[url][name], 1000 * (time.perf_counter() - start))
    for url, times in best.items():
        slowest = max(times, key=lambda name: times[name])
        median, total = statistics.median(times.values()), sum(times.values())
        print(f"{url}: median {median:.1f}, slowest {times[slowest]:.0f} ({slowest}), sum {total:.0f} ms")


if __name__ == "__main__":
    main(sys.argv[1:])
