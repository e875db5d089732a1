"""What a build says when it is done: what was built, corrected and left uncertain."""

from collections import Counter
from collections.abc import Iterator

from kg.model.records import Records
from kg.recipe.revisions import revised_by
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
    lines += _revisions(records)
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


def _revisions(records: Records) -> Iterator[str]:
    """Yield a line for each edition that continues another."""
    for edition in records.editions:
        earlier = revised_by(edition.source)
        found = [revision for revision in records.revisions if revision.edition == edition.source.key]
        if earlier:
            stated = sum(revision.stated for revision in found)
            candidates = sum(revision.status == "candidate" for revision in found)
            told = f"{stated} stated, {candidates} candidates (revisions.csv)"
            yield f"  {edition.source.key} continues {earlier}: {told}"
