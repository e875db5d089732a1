"""The query that makes exactly a view: the stored query of all measures, with the conditions of the view in it.

A test asks it and compares its rows with those of the pages, which are made without it.
"""

import re
from collections.abc import Iterator, Sequence

from pyoxigraph import Literal, NamedNode

from kg.http.stored_query_client import checked
from kg.web.browse.facets import BY_KEY, NOTHING, SORT_BY_KEY, SORTS, Facet
from kg.web.browse.filters import Choice

NAME = "measures-in-a-table"
_PLACE = re.compile(r"^    VALUES \?edition \{ <[^<>]*> \}\n", re.MULTILINE)
_ORDER = re.compile(r"^ORDER BY .*$", re.MULTILINE)
_FRONT = re.compile(r"\A(?:#\+.*\n)+\n*")
_ALIKE = "DESC(?edition) DESC(BOUND(?row)) ?row ?measure"
# Where words are looked for where there is no index of them.
_TEXTS = (
    "dcterms:title|shisaku:overview|shisaku:municipalSupport|shisaku:measureNumber|(shisaku:kpi/dcterms:description)"
)


def question(choice: Choice, lang: str, hits: Sequence[str] | None = None) -> str:
    """Return the query of a view, with names in a language; `hits` are the measures that an index has found."""
    text = _FRONT.sub("", checked(NAME, _PLACE, _ORDER))
    conditions = "".join(f"    {line}\n" for line in _conditions(choice, hits))
    if lang != "ja":
        # the titles are there in both languages anyway
        text = re.sub(r'(LANG\(\?\w+_name\) = )"ja"', rf'\1"{lang}"', text)
    text = _PLACE.sub(lambda _: conditions, text)
    return _ORDER.sub(lambda _: f"ORDER BY {order(choice)}", text)


def searching(words: str) -> str:
    """Return the query for the measures with these words, where there is no index."""
    prefixes = "\n".join(line for line in checked(NAME).splitlines() if line.startswith("PREFIX"))
    lines = "\n  ".join(_containing(words))
    return f"{prefixes}\nSELECT ?measure WHERE {{\n  ?measure a shisaku:Measure .\n  {lines}\n}}"


def order(choice: Choice) -> str:
    """Return what a view is sorted by: what has no key stands last, both ways; what is alike, as in the source."""
    variable = f"?{SORT_BY_KEY[choice.order].variable}"
    bound = f"DESC(BOUND({variable}))"
    if choice.order == SORTS[0].key:
        return f"?edition {bound} DESC({variable}) ?measure" if choice.backwards else _ALIKE
    return f"{bound} {f'DESC({variable})' if choice.backwards else variable} {_ALIKE}"


def _conditions(choice: Choice, hits: Sequence[str] | None) -> Iterator[str]:
    if choice.words and hits is not None:
        yield f"# the measures in which the search of this site has found: {' '.join(choice.words.split())}"
        yield f"VALUES ?measure {{ {' '.join(str(NamedNode(iri)) for iri in hits)} }}"
    elif choice.words:
        yield from _containing(choice.words)
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


def _containing(words: str) -> Iterator[str]:
    for word in words.lower().split():
        yield f"FILTER EXISTS {{ ?measure {_TEXTS} ?any . FILTER(CONTAINS(LCASE(STR(?any)), {Literal(word)})) }}"
