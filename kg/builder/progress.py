"""Timer for the stages of a build with progress messages, and the summary that is printed at its end."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from kg.core.release import VALIDATION_PAGE, Release
from kg.rdf.document_parts import PartSummary
from kg.rdf.shacl_validator import Report

Progress = Callable[[str], None]


@dataclass
class StageTimer:
    """Timer for the stages of a build; `seconds` has the duration of each, `progress` receives its messages."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Report the start of a stage and measure its duration."""
        self.progress(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


_NAMED = 10  # editions that are listed one by one


def format_summary(
    release: Release, summaries: Sequence[PartSummary], new: int = 0, report: Report | None = None
) -> str:
    """Return the summary of a build, a few lines for the user."""
    counts = release.counts
    lines = [
        f"Release {release.version}: {release.folder}" if release.inputs else f"Draft: {release.folder}",
        f"  {counts['measures']} measures, {counts['kpis']} KPIs, {counts['targets']} targets, "
        f"{counts['organizations']} organizations, {counts['documents']} documents; {counts['triples']:,} triples",
    ]
    if not summaries:
        return "\n".join(lines)
    documents = [summary for summary in summaries if summary.document]
    if len(documents) <= _NAMED:
        for summary in documents:
            lines.append(f"  {summary.key}: {_corrected([summary])}")
    else:
        lines.append(f"  {len(documents):,} documents: {_corrected(documents)}")
    lines += [f"  {line}" for summary in summaries for line in summary.notes]
    issues = [issue for summary in summaries for issue in summary.issues]
    warnings = Counter[str]()
    for severity, kind, *_, number in issues:
        warnings.update({kind: number} if severity == "warning" else {})
    total = sum(warnings.values())
    lines.append(
        f"  {total} warnings, {sum(issue[-1] for issue in issues) - total} remarks (issues.csv)"
        + (":" if warnings else "")
    )
    lines.extend(f"    {count:4}  {kind}" for kind, count in sorted(warnings.items()))
    if report:
        counts = report.counts
        lines.append(f"  SHACL: conforms; {counts['Warning']} warnings, {counts['Info']} remarks ({VALIDATION_PAGE})")
    if new:
        lines.append(f"  {new} identifiers are not in the ledger yet (kg build --mint writes them)")
    return "\n".join(lines)


def _corrected(summaries: Sequence[PartSummary]) -> str:
    replaced, flagged = (sum(summary.counts[name] for summary in summaries) for name in ("replaced", "flagged"))
    return f"{replaced} corrections, {flagged} doubtful readings left as printed"
