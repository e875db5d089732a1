"""Measures `kg build` at several numbers of documents: time and memory of each, the share of each stage.

    .venv/bin/python tests/bench/scale.py 1 10 100 --out /tmp/scale
    .venv/bin/python tests/bench/scale.py 300 --out /tmp/scale --keep        the release stays, for store.py

Memory is the largest sum, over all processes of a build, of what each has for itself and its share of what they share
(Pss_Anon). Pages of files that are looked into do not count: the system takes them back when it needs them.
Processor time counts work, also where other work shares the machine; `alone` is what two free processors would take.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from editions import make

ROOT = Path(__file__).resolve().parents[2]
TOLD = 1.0


def tree(root: int) -> list[int]:
    """A process and those below it."""
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found = [root]
    for process in found:
        found += parents.get(process, [])
    return found


def memory(root: int) -> int:
    """What a process and those below it have for themselves, in bytes."""
    total = 0
    for process in tree(root):
        try:
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss_Anon:\s+(\d+) kB", rollup, re.M)
        total += int(found[1]) * 1024 if found else 0
    return total


def run(documents: int, plans: int, folder: Path, processes: int) -> tuple[Path, str]:
    """Build that many documents; return where the releases are and a line of figures."""
    recipe, out = folder / f"recipe-{documents}", folder / f"out-{documents}"
    for made in (recipe, out):
        shutil.rmtree(made, ignore_errors=True)
    make(documents, recipe, plans)
    command = [sys.executable, "-m", "kg", "build", "--recipe", str(recipe), "--out", str(out), "--timings"]
    before, start, peak = os.times(), time.perf_counter(), 0
    told = folder / f"told-{documents}"  # a pipe holds less than a build of many documents tells
    with told.open("w+", encoding="utf-8") as output:
        with subprocess.Popen([*command, "--processes", str(processes)], cwd=ROOT, stdout=output) as build:
            while build.poll() is None:
                peak = max(peak, memory(build.pid))
                time.sleep(TOLD)
        output.seek(0)
        printed = output.read()
    wall, after = time.perf_counter() - start, os.times()
    shutil.rmtree(recipe)
    triples = re.search(r"([\d,]+) triples", printed)
    if build.returncode or not triples:
        sys.exit(f"kg build failed: {build.returncode}\n{printed}")
    count = int(triples[1].replace(",", ""))
    work = after.children_user + after.children_system - before.children_user - before.children_system
    line = (
        f"{documents:5} documents  {count:12,} triples  {wall:7.0f} s  processors {work:7.0f} s"
        f" = {work / documents:5.2f} s a document, {count / work:7,.0f} triples a second; {peak / 2**20:6,.0f} MiB"
    )
    stages = [text for text in printed.splitlines() if re.match(r" +[\d.]+ s ", text)]
    return out, "\n".join([line, *stages])


def main() -> None:
    """Print what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", type=int, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--plans", type=int, default=0, help="plans of municipalities, for each document")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="leave the releases there")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for documents in arguments.documents:
        out, told = run(documents, documents * arguments.plans, arguments.out, arguments.processes)
        print(told, flush=True)
        if not arguments.keep:
            shutil.rmtree(out)


if __name__ == "__main__":
    main()
