"""Builds a release in children that are killed at spread moments; prints what `current` was after each as JSON.

    python dying.py RECIPE CHANGED OUT EVENTS TIMES PROCESSES

A process of its own, and one without threads, so that it can fork as often as it likes. Most moments are events of the
file system under OUT; some are points in time, since the engine writes the store without telling Python.
"""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from kg.builder.pipeline import build
from kg.core.paths import project_folders
from kg.core.release import current_release

LAST = 7  # moments of the switch
EVENTS = ("open", "os.", "tempfile.", "shutil.", "fcntl.")


def build_in_child(
    recipe: Path, out: Path, processes: int, event: int = 0, seconds: float = 0.0
) -> tuple[int, float, int]:
    """Build in a child that dies at the given event or time; return its events, its seconds and its exit status."""
    reader, writer = os.pipe()
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        events = 0

        def note(name: str, arguments: tuple[object, ...]) -> None:
            nonlocal events
            if name.startswith(EVENTS) and any(str(out) in str(argument) for argument in arguments):
                events += 1
                if events == event:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(note)
        build(project_folders(recipe, out), processes=processes)
        os.write(writer, str(events).encode())
        os._exit(0)
    if seconds:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)  # it is there until it is waited for
    _, status = os.waitpid(child, 0)
    os.close(writer)
    told = os.read(reader, 20)
    os.close(reader)
    return int(told or 0), time.perf_counter() - start, status


def state(out: Path) -> dict[str, object]:
    """Return what a server would find now."""
    release = current_release(out)
    assert release is not None
    return {
        "version": release.version,
        "damage": [str(problem) for problem in release.damaged_files()],
        "store": release.store_folder().is_dir(),
        "staging": len(list((out / "releases").glob(".staging-*"))),
    }


def main() -> None:
    """Build once, then die at each moment, then build to the end."""
    recipe, changed, out = map(Path, sys.argv[1:4])
    moments, times, processes = map(int, sys.argv[4:7])
    build_in_child(recipe, out, processes)
    old = (out / "current").readlink()
    trial = out.parent / "trial"
    build_in_child(recipe, trial, processes)
    events, seconds, _ = build_in_child(changed, trial, processes)
    last = min(LAST, moments - 1)
    spread = moments - last
    by_event = [1 + (2 * index + 1) * (events - last) // (2 * spread) for index in range(spread)]
    by_event += range(events - last + 1, events + 1)  # the switch is there: each of its steps
    by_time = [seconds * (index + 1) / (times + 1) for index in range(times)]
    for event, after in [*((event, 0.0) for event in by_event), *((0, after) for after in by_time)]:
        _, _, status = build_in_child(changed, out, processes, event, after)
        print(json.dumps({"event": event, "seconds": after, "killed": status != 0, **state(out)}), flush=True)
        (out / "current").unlink()
        (out / "current").symlink_to(old)
        for folder in [
            *(out / "releases").glob("*+dev.*"),
            *(out / "releases").glob(".staging-*"),
            *(out / "releases").glob(".bench-*"),
        ]:
            shutil.rmtree(folder)  # else the next child has more to do, and its events are others
    build_in_child(changed, out, processes, events // 2)
    print(json.dumps(state(out)), flush=True)
    build_in_child(changed, out, processes)
    print(json.dumps(state(out)), flush=True)


if __name__ == "__main__":  # processes of a build import this file, too
    main()
