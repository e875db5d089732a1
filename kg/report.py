"""What a build says when it is done: what was built, corrected and left uncertain."""

from collections import Counter

from kg.model.records import Records
from kg.releases import VALIDATION_PAGE, Release
from kg.validate import Report


def summary(release: Release, records: Records | None, new: int = 0, report: Report | None = None) -> str:
    """Return a few lines for the person who ran the build."""
    counts = release.counts
    lines = [
        f"Release {release.version}: {release.folder}" if release.inputs else f"Draft: {release.folder}",
        f"  {counts['measures']} measures, {counts['kpis']} KPIs, {counts['targets']} targets, "
        f"{counts['organizations']} organizations, {counts['documents']} documents; {counts['triples']:,} triples",
    ]
    if records is None:
        return "\n".join(lines)
    for edition in records.editions:
        replaced = sum(1 for entry in edition.corrections if entry.action == "replace")
        flagged = len(edition.corrections) - replaced
        lines.append(f"  {edition.source.key}: {replaced} corrections, {flagged} doubtful readings left as printed")
    warnings = Counter(issue.type for issue in records.issues if issue.severity == "warning")
    total = sum(warnings.values())
    lines.append(f"  {total} warnings, {len(records.issues) - total} remarks (issues.csv)" + (":" if warnings else ""))
    lines.extend(f"    {count:4}  {kind}" for kind, count in sorted(warnings.items()))
    if report:
        counts = report.counts
        lines.append(f"  SHACL: conforms; {counts['Warning']} warnings, {counts['Info']} remarks ({VALIDATION_PAGE})")
    if new:
        lines.append(f"  {new} identifiers are not in the ledger yet (kg build --mint writes them)")
    return "\n".join(lines)
