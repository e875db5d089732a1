"""Measures `kg build` on the real document: wall time, peak memory and the share of each stage, over fresh runs.

    .venv/bin/python tests/bench/build.py --runs 5
    .venv/bin/python tests/bench/build.py --runs 3 --engine pyshacl

Each run is a process of its own with an empty output folder, so imports and the writing of the release are included.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(recipe: Path | None, engine: str) -> tuple[float, float, dict[str, float]]:
    """One build: (seconds, peak MiB, seconds of each stage)."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "kg", "build", "--timings", "--engine", engine, "--out", out]
        command += ["--recipe", str(recipe)] if recipe else []
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        printed = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    if status:
        sys.exit(f"kg build failed: {status}")
    stages = {name: float(took) for took, name in re.findall(r"^ +([0-9.]+) s +\d+%  (.+)$", printed, re.MULTILINE)}
    return seconds, usage.ru_maxrss / 1024, stages


def main() -> None:
    """Print median, minimum and maximum, and the median share of each stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--recipe", type=Path)
    parser.add_argument("--engine", choices=["pyshacl", "shacl"], default="shacl")
    arguments = parser.parse_args()
    results = [run(arguments.recipe, arguments.engine) for _ in range(arguments.runs)]
    seconds, memory = [r[0] for r in results], [r[1] for r in results]
    print(f"whole process  median {statistics.median(seconds):.2f} s  ({min(seconds):.2f} to {max(seconds):.2f})")
    print(f"peak memory    median {statistics.median(memory):.0f} MiB ({min(memory):.0f} to {max(memory):.0f})")
    total = statistics.median(r[2]["all"] for r in results)
    for stage in results[0][2]:
        took = statistics.median(r[2][stage] for r in results)
        print(f"  {took:.3f} s  {took / total:4.0%}  {stage}")


if __name__ == "__main__":
    main()
