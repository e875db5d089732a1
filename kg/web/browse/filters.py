"""Parsed parameters of the list of measures, its facets, and the SPARQL query of a view.

Each view has one canonical URL: parameters in a fixed order, without defaults. The query is the stored query of all
measures with the conditions of the view inserted; a test runs it and compares its rows with those of the pages, which
are computed without it.

A facet is one entry here and one branch of the query facets-of-measures.rq. A value has a key: that of the code list if
its IRI is under the folder of the facet, else the part after `id/`, else the whole IRI. Two kinds of keys are reserved:
`-` for measures without a value, and the keys in `special`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote, urlencode

from pyoxigraph import Literal, NamedNode

from kg.core.iris import ID, ONTOLOGY
from kg.http.query_client import checked_query_text
from kg.http.responses import parse_whole_number

NOTHING = "-"
EDITION, ALL = "edition", "all"  # value of the edition facet for all editions; the newest is the default


@dataclass(frozen=True)
class SpecialValue:
    """A facet value that is not a resource: its labels in Japanese and English, and its graph pattern."""

    words: tuple[str, str]
    pattern: str


@dataclass(frozen=True)
class Facet:
    """One facet: its labels, the folder of its values, their graph pattern, and the label for having none.

    In a pattern, `?measure` is the measure and `?any` the value; no other part of a query uses variables with these
    prefixes. `ordered` facets list their values by key, the others by number of measures. The pattern of a `covering`
    facet also matches its special values.
    """

    key: str
    words: tuple[str, str]
    folder: str
    pattern: str
    nothing: tuple[str, str]
    special: Mapping[str, SpecialValue] = field(default_factory=dict)
    ordered: bool = False
    covering: bool = False

    def short(self, value: str) -> str:
        """Return the key of a value; safe in a comma-separated list."""
        own = value.removeprefix(f"{ID}{self.folder}/")
        return quote(value.removeprefix(ID) if "/" in own else own, safe="/:@-._~")

    def whole(self, key: str) -> str:
        """Return the value of a key: an IRI, or the key itself if it is reserved."""
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
            "uncertain": SpecialValue(
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
            "corrected": SpecialValue(
                ("訂正した箇所あり", "something corrected"),
                f"{_CORRECTION} ?any_correction shisaku:corrected ?any_text .",
            ),
            "doubtful": SpecialValue(
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
        {ALL: SpecialValue(("すべての版", "all editions"), "?measure shisaku:edition ?any_edition .")},
        covering=True,
    ),
)
BY_KEY = {facet.key: facet for facet in FACETS}
_SINGLE_PROPERTY = re.compile(r"\?measure shisaku:(\w+) \?any \.")
# The facets whose values are those of one property of measures, by the IRI of the property.
BY_PROPERTY = {ONTOLOGY + match[1]: facet for facet in FACETS if (match := _SINGLE_PROPERTY.fullmatch(facet.pattern))}


@dataclass(frozen=True)
class SortOrder:
    """A sort order of the list: labels, variable of the query, and whether its values are numbers."""

    key: str
    words: tuple[str, str]
    variable: str
    counted: bool = False


# The first one is the default. Ties are ordered as in the table of the source.
SORTS = (
    SortOrder("row", ("原典の順", "as in the source"), "row", counted=True),
    SortOrder("number", ("施策番号", "number"), "number"),
    SortOrder("listed", ("掲載時期", "listing time"), "start"),
    SortOrder("targets", ("目標の数", "number of targets"), "targets", counted=True),
    SortOrder("due", ("最初の期限", "first deadline"), "due"),
)
SORT_BY_KEY = {sort.key: sort for sort in SORTS}


WORDS, SORT, PAGE = "q", "sort", "page"
LONGEST_WORDS = 200  # characters
NO_LANGUAGE = ("ここで選べる言語ではありません", "is not a language of this list")
_MOST_VALUES = 50  # values of one facet
_LAST_PAGE = 1_000_000


@dataclass(frozen=True)
class IgnoredParameter:
    """An ignored part of a URL, with the reason in both languages."""

    name: str
    value: str
    reason: tuple[str, str]


@dataclass(frozen=True)
class Selection:
    """Parsed parameters of a view. `values` are the selected values (IRIs, not keys) by facet.

    Of several editions the `newest` is selected by default.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: str = ""
    sort: str = SORTS[0].key
    page: int = 1
    newest: str = ""

    @property
    def descending(self) -> bool:
        """True if the order is descending."""
        return self.sort.startswith("-")

    @property
    def order(self) -> str:
        """The key of the sort order, without its direction."""
        return self.sort.lstrip("-")

    def parameters(self) -> tuple[tuple[str, str], ...]:
        """Return the parameters of the canonical URL."""
        pairs = [(WORDS, self.words)] if self.words else []
        for facet in FACETS:
            chosen = self.values.get(facet.key, ())
            if chosen and not (facet.key == EDITION and chosen == (self.newest,)):
                pairs.append((facet.key, ",".join(sorted(facet.short(value) for value in chosen))))
        pairs += [(SORT, self.sort)] if self.sort != SORTS[0].key else []
        pairs += [(PAGE, str(self.page))] if self.page > 1 else []
        return tuple(pairs)

    def address(self, **more: str) -> str:
        """Return the query string with its `?`; empty without parameters."""
        pairs = [*self.parameters(), *more.items()]
        return f"?{urlencode(pairs, safe=',:@-._~')}" if pairs else ""

    def toggled(self, facet: Facet, value: str) -> "Selection":
        """Return the first page of the view with a value added, or removed if it is selected."""
        chosen = self.values.get(facet.key, ())
        values = tuple(each for each in chosen if each != value) if value in chosen else (*chosen, value)
        if facet.key == EDITION and self.newest:  # all editions and single ones exclude each other
            values = tuple(each for each in values if (each == ALL) == (value == ALL)) or (ALL,)
        by_facet = {key: each for key, each in {**self.values, facet.key: values}.items() if each}
        return replace(self, values=by_facet, page=1)

    def without_words(self) -> "Selection":
        """Return the first page of the view without its search words."""
        return replace(self, words="", page=1)

    def sorted_by(self, sort: str) -> "Selection":
        """Return the first page of the view in another order."""
        return replace(self, sort=sort, page=1)

    def on(self, page: int) -> "Selection":
        """Return another page of the view."""
        return replace(self, page=page)


def parse_parameters(
    parameters: Iterable[tuple[str, str]],
    values_by_facet: Mapping[str, Iterable[str]],
    skipped: Sequence[str] = (),
    newest: str = "",
) -> tuple[Selection, list[IgnoredParameter]]:
    """Parse the parameters of a view, and return those that are ignored.

    `values_by_facet` are the values in the data; `skipped` are parameters that others read. Empty ones, which a form
    sends, are skipped. `newest` is the newest of several editions, selected by default.
    """
    choice, ignored = Selection(newest=newest), list[IgnoredParameter]()
    seen = set[str]()
    for name, text in parameters:
        text = text.strip()
        if name in skipped or not text:
            continue
        if name in seen:
            ignored.append(IgnoredParameter(name, text, ("二度目の指定です", "is given a second time")))
        elif name in BY_KEY:
            choice, unknown = _with_values(choice, BY_KEY[name], text, set(values_by_facet.get(name, ())))
            ignored += unknown
        elif name in (WORDS, SORT, PAGE):
            reason = _invalid_reason(name, text)
            if reason:
                ignored.append(IgnoredParameter(name, text[:60], reason))
            else:
                choice = replace(choice, **_parsed_value(name, text))  # type: ignore[arg-type]
        else:
            ignored.append(
                IgnoredParameter(name, text[:60], ("この一覧にはない項目です", "is not a parameter of this list"))
            )
        seen.add(name)
    if newest and EDITION not in choice.values:
        choice = replace(choice, values={**choice.values, EDITION: (newest,)})
    values = {facet.key: choice.values[facet.key] for facet in FACETS if facet.key in choice.values}
    return replace(choice, values=values), ignored


def _with_values(
    choice: Selection, facet: Facet, text: str, occurring: set[str]
) -> tuple[Selection, list[IgnoredParameter]]:
    keys = list(dict.fromkeys(key for key in text.split(",") if key))
    valid, ignored = [], []
    for key in keys:
        value = facet.whole(key)
        if value in occurring or value == NOTHING or value in facet.special:
            valid.append(value)
        else:
            ignored.append(
                IgnoredParameter(facet.key, key[:60], ("このデータにはない値です", "does not occur in these data"))
            )
    if len(valid) > _MOST_VALUES:
        ignored.append(
            IgnoredParameter(facet.key, "…", ("値が多すぎます", "has too many values; the first ones are used"))
        )
    return (
        replace(choice, values={**choice.values, facet.key: tuple(valid[:_MOST_VALUES])}) if valid else choice
    ), ignored


def _invalid_reason(name: str, text: str) -> tuple[str, str] | None:
    """Return why a parameter is invalid, or None."""
    if name == WORDS and len(text) > LONGEST_WORDS:
        return (f"{LONGEST_WORDS}文字を超えています", f"has more than {LONGEST_WORDS} characters")
    if name == SORT and text.removeprefix("-") not in SORT_BY_KEY:
        return ("ない並べ方です", "is not a sort order of this list")
    if name == PAGE and parse_whole_number(text, _LAST_PAGE) is None:
        return ("頁の番号ではありません", "is not a page number")
    return None


def _parsed_value(name: str, text: str) -> dict[str, object]:
    if name == WORDS:
        return {"words": " ".join(text.split())}
    return {"sort": text} if name == SORT else {"page": int(text)}


NAME = "measures-in-a-table"
_PLACE = re.compile(r"^    VALUES \?edition \{ <[^<>]*> \}\n", re.MULTILINE)
_ORDER = re.compile(r"^ORDER BY .*$", re.MULTILINE)
_FRONT = re.compile(r"\A(?:#\+.*\n)+\n*")
_ALIKE = "DESC(?edition) DESC(BOUND(?row)) ?row ?measure"
# Properties to search without an index.
_TEXTS = (
    "dcterms:title|shisaku:overview|shisaku:municipalSupport|shisaku:measureNumber|(shisaku:kpi/dcterms:description)"
)


def selection_query(choice: Selection, lang: str, hits: Sequence[str] | None = None) -> str:
    """Return the query of a view, with names in a language; `hits` are the measures found by an index."""
    text = _FRONT.sub("", checked_query_text(NAME, _PLACE, _ORDER))
    conditions = "".join(f"    {line}\n" for line in _conditions(choice, hits))
    if lang != "ja":
        # titles have both languages in any case
        text = re.sub(r'(LANG\(\?\w+_name\) = )"ja"', rf'\1"{lang}"', text)
    text = _PLACE.sub(lambda _: conditions, text)
    return _ORDER.sub(lambda _: f"ORDER BY {order_clause(choice)}", text)


def word_search_query(words: str) -> str:
    """Return the query for measures with these words, used if there is no index."""
    prefixes = "\n".join(line for line in checked_query_text(NAME).splitlines() if line.startswith("PREFIX"))
    lines = "\n  ".join(_word_conditions(words))
    return f"{prefixes}\nSELECT ?measure WHERE {{\n  ?measure a shisaku:Measure .\n  {lines}\n}}"


def order_clause(choice: Selection) -> str:
    """Return the ORDER BY of a view: unbound keys last in both directions; ties as in the source."""
    variable = f"?{SORT_BY_KEY[choice.order].variable}"
    bound = f"DESC(BOUND({variable}))"
    if choice.order == SORTS[0].key:
        return f"?edition {bound} DESC({variable}) ?measure" if choice.descending else _ALIKE
    return f"{bound} {f'DESC({variable})' if choice.descending else variable} {_ALIKE}"


def _conditions(choice: Selection, hits: Sequence[str] | None) -> Iterator[str]:
    if choice.words and hits is not None:
        yield f"# the measures in which the search of this site has found: {' '.join(choice.words.split())}"
        yield f"VALUES ?measure {{ {' '.join(str(NamedNode(iri)) for iri in hits)} }}"
    elif choice.words:
        yield from _word_conditions(choice.words)
    for key, values in choice.values.items():
        yield _condition(BY_KEY[key], values)


def _condition(facet: Facet, values: Sequence[str]) -> str:
    """Return the condition that a measure has one of these values."""
    things = [str(NamedNode(value)) for value in values if value != NOTHING and value not in facet.special]
    parts = [f"EXISTS {{ VALUES ?any {{ {' '.join(things)} }} {facet.pattern} }}"] if things else []
    parts += [f"EXISTS {{ {facet.special[value].pattern} }}" for value in values if value in facet.special]
    if NOTHING in values:
        apart = () if facet.covering else tuple(special.pattern for special in facet.special.values())
        patterns = [facet.pattern, *apart]
        parts.append(" && ".join(f"NOT EXISTS {{ {pattern} }}" for pattern in patterns))
    return f"FILTER({' || '.join(parts)})"


def _word_conditions(words: str) -> Iterator[str]:
    for word in words.lower().split():
        yield f"FILTER EXISTS {{ ?measure {_TEXTS} ?any . FILTER(CONTAINS(LCASE(STR(?any)), {Literal(word)})) }}"
