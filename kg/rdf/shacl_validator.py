"""Whether RDF data keep the promises of the shapes (SHACL), and which they break.

Two engines read the same terms. Four rules make their reports equal: literals keep the form they have in the file; a
shape without a name is known by the nearest named shape around it; path and messages are those that the shapes state;
a result stands once.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from kg.core import iris
from kg.core.errors import Problem, QueryError, RecipeError, ReleaseError
from kg.rdf.shacl_engines import ENGINES, FAST, REFERENCE, Check, fastest, n_triples
from kg.rdf.shacl_report import SEVERITIES, Report, Result
from kg.rdf.shacl_shapes import AIM, Shapes
from kg.rdf.shacl_terms import SH, read_statements

_TYPE = f"<{iris.PREFIXES['rdf']}type>".encode()

__all__ = ["FAST", "REFERENCE", "Report", "Result", "Validator", "fastest", "report_of", "validate"]


def validate(files: Sequence[Path], shapes: Path, engine: str = REFERENCE) -> Report:
    """Validate RDF files, taken together (with the named graphs in them), against the shapes of a file or folder."""
    return Validator(shapes, engine).report(files)


class Validator:
    """The shapes of a file or folder, and an engine; raises where there is none of the name, or no shape.

    Both read the shapes once: to validate many data, keep one.
    """

    def __init__(self, shapes: Path, engine: str) -> None:
        if engine not in ENGINES:
            raise QueryError(Problem(f"there is no SHACL engine {engine!r}", f"choose one of: {', '.join(ENGINES)}"))
        self._place, self._engine = shapes, engine
        files = sorted(shapes.glob("*.ttl")) if shapes.is_dir() else [shapes]
        self._shapes = Shapes(read_statements(files, RecipeError))
        if not self._shapes.statements:
            raise RecipeError(
                Problem("there are no shapes here", "name a .ttl file, or a folder with such files", shapes)
            )
        self._text, self._aimed = n_triples(self._shapes.statements), n_triples(self._shapes.aimed())
        self._checks: dict[str, Check] = {}

    @property
    def followed_back(self) -> frozenset[str]:
        """The properties that a shape follows from a value to the things that have it."""
        return self._shapes.followed_back()

    def report(self, files: Sequence[Path]) -> Report:
        """Validate RDF files, taken together (with the named graphs in them)."""
        return report_of(self.results(n_triples(read_statements(files, ReleaseError)).encode()))

    def results(self, lines: bytes, focuses: Collection[bytes] | None = None) -> set[Result]:
        """Return what is broken in data, as N-Triples without statements about statements.

        Of `focuses`, which are IRIs, only, where they are given: nothing is done for other things.
        """
        if focuses is not None:
            lines += b"".join(_aims(lines, focuses))
        shapes = self._text if focuses is None else self._aimed
        try:
            if shapes not in self._checks:  # what an engine cannot use is told when it is used
                self._checks[shapes] = ENGINES[self._engine](shapes)
            found = self._checks[shapes](lines)
            return {self._shapes.result(one) for one in found if focuses is None or one[0][1:-1].encode() in focuses}
        except (RuntimeError, ValueError, re.error) as error:
            fact = f"{self._engine} cannot use these shapes: {error}"
            raise RecipeError(
                Problem(fact, "mend the shapes; see https://www.w3.org/TR/shacl/", self._place)
            ) from error


def _aims(lines: bytes, focuses: Collection[bytes]) -> Iterator[bytes]:
    """Yield, for each class of a focus, the line that has it validated."""
    for line in lines.splitlines():
        subject, predicate, value = line.split(b" ", 2)
        if predicate == _TYPE and subject[1:-1] in focuses:
            yield b"%s <%s%s> %s .\n" % (subject, AIM.encode(), value[1:-3], subject)


def report_of(results: Iterable[Result], unlisted: Counter[str] | None = None) -> Report:
    """Return the report of results, the gravest first; of some there may be numbers only, by their severity."""
    rank = {SH + severity: place for place, severity in enumerate(SEVERITIES)}
    ordered = sorted(results, key=lambda one: (rank.get(one.severity, len(rank)), one.shape, one))
    return Report(tuple(ordered), tuple(sorted((unlisted or Counter()).items())))
