"""The records that stand beside those of the editions: which measures continue which, and measures of local plans."""

from dataclasses import dataclass

from kg.recipe.table_loader import Row


@dataclass(frozen=True)
class Listed:
    """What tells a listed measure from others: its number, its title, and its KPIs with names, each IRI and name."""

    iri: str
    number: str
    title: str
    kpis: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Revision:
    """That a measure continues one of an earlier edition, or may: both by their IRIs, with the evidence.

    `status` is computed, confirmed, candidate or rejected; the first two are stated. `grade` is strong, fair or weak.
    `similarity` of the titles goes from 0 to 1, `kpis` are those of the later measure that go on. `row` is a curator's.
    """

    iri: str
    later: str
    earlier: str
    status: str
    grade: str
    same_number: bool
    similarity: float
    kpis: tuple[str, ...]
    edition: str
    row: Row | None

    @property
    def stated(self) -> bool:
        """Whether the graph says that the one continues the other."""
        return self.status in ("computed", "confirmed")


@dataclass(frozen=True)
class LocalMeasure:
    """A measure of the plan of a local government, by its key, and the listed measures that it cites, by their IRIs.

    `cited_as` is what the table prints; `unknown` says that a part of it names no measure of the edition.
    """

    iri: str
    plan: str
    number: str
    title: str
    description: str
    department: str
    schedule: str
    cited_as: str
    cites: tuple[str, ...]
    unknown: bool
    line: int
