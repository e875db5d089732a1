"""Whether RDF data keep the promises of the shapes (SHACL), and which they break.

Two engines read the same terms. Four rules make their reports equal: literals keep the form they have in the file; a
shape without a name is known by the nearest named shape around it; path and messages are those that the shapes state;
a result stands once.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from pyoxigraph import Triple

from kg.errors import Problem, QueryError, RecipeError, ReleaseError
from kg.validate.engines import ENGINES, FAST, REFERENCE, fastest
from kg.validate.report import SEVERITIES, Report, Result
from kg.validate.shapes import Shapes
from kg.validate.terms import SH, Statement, read_statements

__all__ = ["FAST", "REFERENCE", "Report", "Result", "fastest", "validate", "validate_triples"]


def validate(files: Sequence[Path], shapes: Path, engine: str = REFERENCE) -> Report:
    """Validate RDF files, taken together (with the named graphs in them), against the shapes of a file or folder."""
    return _validate(read_statements(files, ReleaseError), shapes, engine)


def validate_triples(triples: Iterable[Triple], shapes: Path, engine: str = REFERENCE) -> Report:
    """Validate triples, none of them about another triple, against the shapes of a file or folder."""
    return _validate([(t.subject, t.predicate, t.object) for t in triples], shapes, engine)  # type: ignore[misc]


def _validate(data: list[Statement], shapes: Path, engine: str) -> Report:
    if engine not in ENGINES:
        raise QueryError(Problem(f"there is no SHACL engine {engine!r}", f"choose one of: {', '.join(ENGINES)}"))
    stated = Shapes(read_statements(sorted(shapes.glob("*.ttl")) if shapes.is_dir() else [shapes], RecipeError))
    if not stated.statements:
        raise RecipeError(Problem("there are no shapes here", "name a .ttl file, or a folder with such files", shapes))
    try:
        results = {stated.result(found) for found in ENGINES[engine](data, stated.statements)}
    except (RuntimeError, ValueError, re.error) as error:
        fact = f"{engine} cannot use these shapes: {error}"
        raise RecipeError(Problem(fact, "mend the shapes; see https://www.w3.org/TR/shacl/", shapes)) from error
    rank = {SH + severity: place for place, severity in enumerate(SEVERITIES)}
    return Report(tuple(sorted(results, key=lambda one: (rank.get(one.severity, len(rank)), one.shape, one))))
