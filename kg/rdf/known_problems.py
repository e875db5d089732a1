"""The known problems of a release, in words: what the curator knows of the document, and what the build counted."""

from collections import Counter
from collections.abc import Iterable

from kg.rdf.dcat import Described
from kg.rdf.document_parts import Gist

_HEADS = {
    "warning": ("要注意", "To be minded"),
    "info": ("参考", "For reference"),
}


def known_problems(gists: Iterable[Gist], described: Described) -> bytes:
    """Return the problems as Markdown, in Japanese and English; `issues.csv` has each case with its place."""
    title = described.title
    lines = [f"# {title.ja} {described.version}: 既知の問題 / Known problems", "", described.catalogue.problems.strip()]
    lines += ["", "## この版で数えたもの / Counted in this release", ""]
    lines.append("各件の位置は `issues.csv` にある。 / Each case with its place: `issues.csv`.")
    counted: Counter[tuple[str, str, str, str]] = Counter()
    for severity, kind, ja, en, count in (issue for gist in gists for issue in gist.issues):
        counted[severity, kind, ja, en] += count
    for severity, heads in _HEADS.items():
        found = sorted((kind, n, ja, en) for (grade, kind, ja, en), n in counted.items() if grade == severity)
        lines += ["", f"### {heads[0]} / {heads[1]}: {sum(n for _, n, _, _ in found)}"]
        lines += ["", *(f"- {n} × `{kind}`: {ja} / {en}" for kind, n, ja, en in found)] if found else []
    return ("\n".join(lines) + "\n").encode()
