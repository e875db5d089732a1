"""Precision and recall of `match: true`, on the held-out half of a labelled sample.

    .venv/bin/python tests/bench/matching.py             the held-out half
    .venv/bin/python tests/bench/matching.py --half set  the half on which the limits were set
    .venv/bin/python tests/bench/matching.py --limits    both halves under other limits, to set them anew
    .venv/bin/python tests/bench/matching.py --wrong     every case that went wrong, too

`tests/matching/sample.py` says how the sample was labelled. Precision: how many of the matches claimed are right.
Recall: how many of the names that mean a thing of the graph were matched. `first`: how many of these have it as the
first candidate. The graph is that of the current release, or of --release FOLDER.
"""

import argparse
import importlib.util
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from types import ModuleType

from pyoxigraph import RdfFormat, Store

from kg.core.paths import project_folders
from kg.core.release import CURRENT, N_TRIPLES
from kg.search import Candidate, Index, Matcher, build
from kg.search.matcher import MATCH_MARGIN, MATCH_SCORE


def _sample() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sample", Path(__file__).parents[1] / "matching" / "sample.py")
    assert spec and spec.loader
    module = sys.modules["sample"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _sample()
Answers = list[tuple["sample.Case", list[Candidate]]]  # type: ignore[name-defined]


def answers(store: Store, folder: Path, half: str) -> Answers:
    """Return the cases of a half, each with its candidates; absent names are asked in an index without their things."""
    names = sample.names_of(store)
    there = [case for case in (*sample.changed(names), *sample.phrasings()) if case.half == half]
    gone = sample.absent(names, half)
    things = {thing for _, thing, _ in names if sample.half_of(thing) == half}
    found: Answers = []
    for name, graph, cases in (("whole", store, there), ("less", sample.without(store, things), gone)):
        build(graph, folder / f"{half}-{name}.sqlite")
        matcher = Matcher(Index.open(folder / f"{half}-{name}.sqlite"))
        found += [(case, matcher.candidates(case.text, type=case.type)) for case in cases]
    return found


def claimed(candidates: list[Candidate], score: float, margin: float) -> str:
    """Return the thing that would be matched under these limits."""
    if not candidates or candidates[0].score < score:
        return ""
    second = candidates[1].score if len(candidates) > 1 else 0.0
    return candidates[0].iri if candidates[0].score - second >= margin else ""


def figures(found: Answers, score: float, margin: float) -> tuple[int, int, int, int]:
    """Return matches that are right, matches that are wrong, names that mean something, those with it in front."""
    right = wrong = meant = first = 0
    for case, candidates in found:
        match = claimed(candidates, score, margin)
        right += bool(match) and match == case.means
        wrong += bool(match) and match != case.means
        meant += bool(case.means)
        first += bool(case.means and candidates and candidates[0].iri == case.means)
    return right, wrong, meant, first


def line(name: str, found: Answers, score: float, margin: float) -> str:
    """Return the figures of some cases as a line."""
    right, wrong, meant, first = figures(found, score, margin)
    precision = f"{right / (right + wrong):.4f}" if right + wrong else "–"
    recall, ahead = (f"{n / meant:.3f}" if meant else "–" for n in (right, first))
    return f"{name:20}{len(found):7}{meant:8}{right:8}{wrong:7}{precision:>11}{recall:>8}{ahead:>8}"


def report(found: Answers, wrong: bool) -> None:
    """Print the figures of each origin and of all; and, if asked, what went wrong."""
    print(f"{'':20}{'cases':>7}{'mean':>8}{'right':>8}{'wrong':>7}{'precision':>11}{'recall':>8}{'first':>8}")
    by_origin: dict[str, Answers] = defaultdict(list)
    for case, candidates in found:
        by_origin[case.origin].append((case, candidates))
    for origin, cases in sorted(by_origin.items()):
        print(line(origin, cases, MATCH_SCORE, MATCH_MARGIN))
    print(line("all", found, MATCH_SCORE, MATCH_MARGIN))
    if wrong:
        explain(found)


def explain(found: Answers) -> None:
    """Print every match that is wrong, and every name written by hand that was not matched."""
    for case, candidates in found:
        match = claimed(candidates, MATCH_SCORE, MATCH_MARGIN)
        if (match and match != case.means) or (case.means and not match and case.origin == "phrasings"):
            tops = "; ".join(f"{one.score} {one.name}" for one in candidates[:2])
            print(f"{'WRONG' if match else 'missed':7} {case.origin} {case.text!r} → {tops}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", type=Path, default=project_folders().out / CURRENT)
    parser.add_argument("--half", choices=sample.HALVES, default=sample.HELD_OUT)
    parser.add_argument("--limits", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    asked = parser.parse_args()
    store = Store()
    store.bulk_load(path=str(asked.release / N_TRIPLES), format=RdfFormat.N_TRIPLES)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        found = answers(store, Path(folder), asked.half)
        took = time.perf_counter() - start
        print(f"half: {asked.half}; {len(found)} names in {took:.1f} s; limits {MATCH_SCORE:g} and {MATCH_MARGIN:g}")
        report(found, asked.wrong)
        if asked.limits:
            for score in (80, 82, 84, 86, 88, 90, 92, 94):
                for margin in (2, 4, 6, 8):
                    print(line(f"{score} {margin}", found, score, margin))


if __name__ == "__main__":
    main()
