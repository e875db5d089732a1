"""A mixed stream of queries: 500 distinct ones, asked as often as Zipf's law has it, and one in ten never asked before.

    .venv/bin/python tests/bench/mixed.py ours=http://127.0.0.1:8000/sparql native=http://127.0.0.1:7878/query

The queries are the stored questions of endpoint.py, made distinct by a comment. Endpoints take turns; the first is the
base of the ratios. The load comes from wrk.
"""

import argparse
import statistics
import urllib.parse

from endpoint import QUESTIONS, Run, asked_by_wrk

from kg.core.paths import project_folders

DISTINCT = 500
_SCRIPT = """
local texts = {{ {texts} }}
local sums, total, n = {{}}, 0, {start}
for rank = 1, {distinct} do total = total + 1 / rank; sums[rank] = total end
math.randomseed(n)
local function pick()
  local x, low, high = math.random() * total, 1, {distinct}
  while low < high do
    local middle = math.floor((low + high) / 2)
    if sums[middle] < x then low = middle + 1 else high = middle end
  end
  return low
end
request = function()
  local rank = pick()
  n = n + 1
  local mark = math.random() < 0.1 and n or rank
  return wrk.format("GET", "{path}?query=" .. texts[rank % #texts + 1] .. "%0A%23" .. mark)
end
"""


def script(url: str, start: int) -> str:
    """Return the program of wrk for an endpoint; `start` numbers the queries that are new."""
    texts = [(project_folders().queries / f"{name}.rq").read_text(encoding="utf-8") for name in QUESTIONS]
    written = ", ".join(f'"{urllib.parse.quote(text, safe="")}"' for text in texts)
    path = urllib.parse.urlsplit(url).path
    return _SCRIPT.format(texts=written, start=start, distinct=DISTINCT, path=path)


def main() -> None:
    """Print requests per second, p50 and p99 of each endpoint with the ratio to the first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("endpoints", nargs="+", metavar="NAME=URL")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    endpoints = dict(pair.split("=", 1) for pair in arguments.endpoints)
    runs: dict[str, list[Run]] = {name: [] for name in endpoints}
    for turn in range(arguments.rounds):
        for name, url in endpoints.items():
            program = script(url, 1_000_000 * (turn + 1))
            runs[name].append(asked_by_wrk(url, program, "*/*", arguments.clients, arguments.seconds))
    base = statistics.median(run[0] for run in next(iter(runs.values())))
    for name, found in runs.items():
        rate, middle, slow = (statistics.median(run[n] for run in found) for n in range(3))
        refused = sum(run[3] for run in found)
        print(
            f"{name:10} {rate:9.1f}/s  x{rate / base:6.2f}  p50 {middle:8.2f} ms  p99 {slow:8.2f} ms  {refused} refused"
        )


if __name__ == "__main__":
    main()
