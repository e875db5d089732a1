"""The account of a document: where every printed character of its rows stands, as its graph tells; none may be nowhere.

Counted are the cells that are no KPI. A character stands in a value, a name or a citation of its measure, in words that
have a meaning by their column (a year, a mark), in a separator, or in an issue that names it.
"""

import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from pyoxigraph import RdfFormat, parse

from kg.builder.document_reader import Tables
from kg.core.spans import plain

DEF = "https://w3id.org/shisaku/def#"
KPIS = {"kpi-progress", "kpi-effect"}
TAG = re.compile(
    r"<!--.*?-->|</?(?:a|abbr|b|br|div|em|font|i|li|ol|p|small|span|strong|sub|sup|u|ul)(?![\w-])[^<>]*>", re.I | re.S
)
SEPARATORS = re.compile(r"[、,;:/|・()\[\]<>【】「」。'■●○◆※\n\-‐–]")
# What a column's words mean without being a value of their own.
MEANT = {
    "no": r"No\.?|第",
    "number": r"No\.?",
    "listing": r"(?:平成|令和)(?:元|\d+)年度?|から|以降|より|順次|掲載|(?:掲載)?時期|調整中|未定",
    "effects": r"[○◯〇◎●]",
    "organizations": r"[◎○◯〇]|及び|並びに",
    "budget": r"予算事業名|補助金名|旧(?:名称|事業名|事業)?",
}
NOTHING = re.compile(r"[‐‑–—―−ー-]|なし|無し|特になし|該当なし|予算措置なし|\(なし\)")


def _graph(tables: Tables) -> dict[str, dict[str, list[str]]]:
    """Every subject of the graph with its values by property."""
    said: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for quad in parse(tables.n_triples(), format=RdfFormat.N_TRIPLES):
        said[quad.subject.value][re.split("[#/]", quad.predicate.value)[-1]].append(quad.object.value)
    return said


def standing(tables: Tables) -> Iterator[tuple[str, str, Counter[str], str]]:
    """Yield for each cell of a row line, column, how many characters stand where, and those that stand nowhere."""
    graph = _graph(tables)
    lines = {row["line"]: row["iri"] for row in tables["measures"]}
    inside: dict[str, list[str]] = defaultdict(list)
    for iri in graph:
        if "/mention/" in iri or "/issue/" in iri:
            inside[re.split("/mention/|/issue/", iri)[0]].append(iri)
    for subject in (about for about in graph.values() if about["cell"]):
        line = subject["line"][0]
        for cell in subject["cell"] if line in lines else []:
            about = graph[cell]
            column = about["columnReadAs"][0].rsplit("/", 1)[1] if about["columnReadAs"] else ""
            if about["printedText"] and column not in KPIS:
                counts, rest = _account(graph, about["printedText"][0], column, lines[line], inside[cell])
                yield line, column, counts, rest


def _account(
    graph: dict[str, dict[str, list[str]]], printed: str, column: str, measure: str, inside: list[str]
) -> tuple[Counter[str], str]:
    """Return how many characters of a cell stand where, and what is left of it."""
    words = plain(html.unescape(TAG.sub("\n", printed)))
    values = list(_values(graph, measure, column))
    counts: Counter[str] = Counter()
    if column == "pillar" and graph[measure]["pillar"]:
        values.append(words)
    if NOTHING.fullmatch(words) and column != "title":
        values.append(words)
    cited = [value for iri in inside if "/mention/" in iri for value in graph[iri]["exact"] + graph[iri]["printedText"]]
    told = [value for iri in inside if "/issue/" in iri for value in graph[iri]["printedText"]]
    counts["separator"] = len(words) - len(words := SEPARATORS.sub("", words))
    places = [("value", values), ("citation", cited), ("issue", told)]
    for place, known in places[::-1] if column in ("no", "number") else places:
        lines = {SEPARATORS.sub("", plain(line)) for value in known for line in [value, *value.split("\n")]}
        if words and any(words in line for line in lines):  # a cell that a tab had split from others
            lines.add(words)
        for value in sorted(lines, key=len, reverse=True):
            while value and value in words:
                words = words.replace(value, "\0", 1)
                counts[place] += len(value)
    for match in re.findall(MEANT.get(column, r"(?!)"), words):
        counts["word"] += len(match)
    return counts, re.sub(MEANT.get(column, r"(?!)"), "", words).replace("\0", "")


VALUES = {"title", "overview", "municipalSupport", "budgetNote", "prefLabel", "altLabel", "grantName", "formerName"}
VALUES |= {"url", "printedUrl"}


def _values(graph: dict[str, dict[str, list[str]]], measure: str, column: str) -> Iterator[str]:
    """Yield the values of a measure and of what it names; a number only for its own column."""
    about = graph[measure]
    yield from {"no": about["rowNumber"], "number": about["measureNumber"]}.get(column, [])
    if column not in ("no", "number", "listing", "effects", "organizations"):
        for name in ("referenceDocument", "budgetProgramme", "citesLaw", "pillar"):
            yield from (value for iri in about[name] for key in VALUES for value in graph[iri][key])
        yield from (value for key in VALUES for value in about[key])
