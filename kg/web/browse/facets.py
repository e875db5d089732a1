"""What measures are told apart by. A facet is one entry here and one branch of the query facets-of-measures.rq.

A value goes by a key: that of the code list where its IRI stands under the folder of the facet, else what follows
`id/`, else its whole IRI. Two keys are of ours: `-` where a measure has no value, and the words of `special`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from kg.core.iris import ID

NOTHING = "-"
EDITION, ALL = "edition", "all"  # of several editions the newest is meant, unless one is chosen, or all are


@dataclass(frozen=True)
class Special:
    """A value that is no thing: its words in Japanese and English, and the pattern that a measure has it by."""

    words: tuple[str, str]
    pattern: str


@dataclass(frozen=True)
class Facet:
    """One facet: its words, what its values are under, their pattern, and the words for having none.

    In a pattern, `?measure` is the measure and `?any` the value; the names that begin so stand nowhere else in a query.
    `ordered` facets list their values by their keys, the others by how many measures have them.
    Of a `covering` facet the pattern holds of the special values, too.
    """

    key: str
    words: tuple[str, str]
    folder: str
    pattern: str
    nothing: tuple[str, str]
    special: Mapping[str, Special] = field(default_factory=dict)
    ordered: bool = False
    covering: bool = False

    def short(self, value: str) -> str:
        """Return the key of a value; it may stand in a list that is separated by commas."""
        own = value.removeprefix(f"{ID}{self.folder}/")
        return quote(value.removeprefix(ID) if "/" in own else own, safe="/:@-._~")

    def whole(self, key: str) -> str:
        """Return the value of a key: the IRI, or the key itself where it is one of ours."""
        if key == NOTHING or key in self.special:
            return key
        text = unquote(key)
        if ":" in text:
            return text
        return f"{ID}{text}" if "/" in text else f"{ID}{self.folder}/{text}"


_CORRECTION = "?measure prov:wasDerivedFrom/shisaku:cell/shisaku:correction ?any_correction ."

FACETS = (
    Facet(
        "pillar",
        ("柱", "Pillar"),
        "pillar",
        "?measure shisaku:pillar ?any .",
        ("柱の記載なし", "no pillar given"),
    ),
    Facet(
        "lead",
        ("主担当の府省庁", "Lead ministry"),
        "organization",
        "?measure shisaku:leadOrganization ?any .",
        ("主担当(◎)の印なし", "no lead (◎) marked"),
    ),
    Facet(
        "participating",
        ("関与する府省庁", "Participating ministry"),
        "organization",
        "?measure shisaku:participatingOrganization ?any .",
        ("関与する府省庁なし", "no participating ministry"),
    ),
    Facet(
        "effect",
        ("期待される効果", "Expected effect"),
        "effect",
        "?measure shisaku:expectedEffect ?any .",
        ("効果の印なし", "no effect marked"),
        {
            "uncertain": Special(
                ("どの効果か不明の○", "a mark of unknown column"), "?measure shisaku:uncertainEffect ?any_mark ."
            )
        },
    ),
    Facet(
        "listed",
        ("市町村計画への掲載時期", "To be listed from"),
        "fiscal-year",
        "?measure shisaku:listedFrom ?any .",
        ("年度の記載なし", "no year given"),
        ordered=True,
    ),
    Facet(
        "target",
        ("KPIの目標", "Targets of KPIs"),
        "target-status",
        "?measure shisaku:kpi/shisaku:targetStatus ?any .",
        ("KPIなし", "no KPI"),
    ),
    Facet(
        "correction",
        ("原典の読み取り", "Reading of the source"),
        "correction",
        _CORRECTION,
        ("訂正・疑義なし", "nothing corrected or in doubt"),
        {
            "corrected": Special(
                ("訂正した箇所あり", "something corrected"),
                f"{_CORRECTION} ?any_correction shisaku:corrected ?any_text .",
            ),
            "doubtful": Special(
                ("疑わしいが印字のまま", "doubtful, left as printed"),
                f"{_CORRECTION} FILTER NOT EXISTS {{ ?any_correction shisaku:corrected ?any_text }}",
            ),
        },
        covering=True,
    ),
    Facet(
        EDITION,
        ("版", "Edition"),
        "edition",
        "?measure shisaku:edition ?any .",
        ("版なし", "no edition"),
        {ALL: Special(("すべての版", "all editions"), "?measure shisaku:edition ?any_edition .")},
        covering=True,
    ),
)
BY_KEY = {facet.key: facet for facet in FACETS}


@dataclass(frozen=True)
class Sort:
    """An order of the list: its words, the variable of the query, and whether its values are numbers."""

    key: str
    words: tuple[str, str]
    variable: str
    counted: bool = False


# The first one is that of an address which names none. Measures that are alike stand as in the table of the source.
SORTS = (
    Sort("row", ("原典の順", "as in the source"), "row", counted=True),
    Sort("number", ("施策番号", "number"), "number"),
    Sort("listed", ("掲載時期", "listing time"), "start"),
    Sort("targets", ("目標の数", "number of targets"), "targets", counted=True),
    Sort("due", ("最初の期限", "first deadline"), "due"),
)
SORT_BY_KEY = {sort.key: sort for sort in SORTS}
