"""The part of the graph that one edition speaks of, for who wants only that table."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from pyoxigraph import NamedNode, Triple

from kg import names
from kg.jsonld import rows_of


def by_edition(statements: Sequence[Triple], keys: Sequence[str]) -> Iterator[tuple[str, list[Triple]]]:
    """Yield each edition's key and its statements, in their order.

    They are what the edition states itself, and what is said of all that can be reached from there without entering
    another edition: organizations, pillars, laws, corrections, rows of the recipe. A code that the edition does not use
    stands in the whole graph only.
    """
    about: dict[str, list[Triple]] = defaultdict(list)
    for statement, (subject, _, _) in zip(statements, rows_of(statements), strict=True):
        about[subject].append(statement)
    own = {key: {subject for subject in about if _is_own(subject, key)} for key in keys}
    for key in keys:
        closed = set().union(*(subjects for other, subjects in own.items() if other != key))
        reached = _reached(own[key], about, closed)
        yield key, [statement for subject, said in about.items() if subject in reached for statement in said]


def _is_own(subject: str, key: str) -> bool:
    return subject.startswith((f"{names.ID}{key}/", f"{names.ID}source/{key}/")) or subject == names.edition(key)


def _reached(start: set[str], about: dict[str, list[Triple]], closed: set[str]) -> set[str]:
    reached, ahead = set(start), list(start)
    while ahead:
        for statement in about.get(ahead.pop(), ()):
            if isinstance(statement.object, NamedNode):
                iri = statement.object.value
                if iri in about and iri not in reached and iri not in closed:
                    reached.add(iri)
                    ahead.append(iri)
    return reached
