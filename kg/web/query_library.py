"""The stored queries as pages show them: by subject, in the words of one language."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from kg.core import sparql_scanner
from kg.core.iris import ID, ONTOLOGY
from kg.core.stored_queries import StoredQuery
from kg.http.responses import path_of
from kg.http.templates import View
from kg.web.vocabulary_index import Words

# The words for the tags of the stored queries, in the order of the pages. A tag without words is shown as it is.
SUBJECTS = {
    "measures": ("施策", "Measures"),
    "pillars": ("柱", "Pillars"),
    "organizations": ("府省庁", "Organizations"),
    "kpis": ("KPI", "KPIs"),
    "targets": ("目標", "Targets"),
    "periods": ("時期", "Periods"),
    "effects": ("効果", "Effects"),
    "budget": ("予算事業", "Budget programmes"),
    "documents": ("参考資料", "Documents"),
    "laws": ("法令", "Laws"),
    "places": ("地域", "Places"),
    "entities": ("計画・制度など", "Plans and systems"),
    "text": ("全文", "Text"),
    "links": ("他のデータとのリンク", "Links to other data"),
    "provenance": ("典拠", "Provenance"),
    "source": ("原典", "The source"),
    "corrections": ("訂正", "Corrections"),
    "editions": ("版と継続", "Editions, and what continues"),
    "plans": ("地方の計画", "Plans of local governments"),
    "quality": ("品質", "Quality"),
    "federation": ("ほかのエンドポイントとの結合", "Joins with other endpoints"),
    "browsing": ("施策一覧のページ", "The list of measures"),
    "search": ("検索の索引", "The search index"),
    "reconciliation": ("名寄せ", "Reconciliation"),
}
# Subjects of what this site asks for itself.
_OWN = {"browsing", "search", "reconciliation"}


@dataclass(frozen=True)
class QueryRequest:
    """A stored query in one language: its name, what it answers in a line and in full, and its subjects."""

    name: str
    summary: str
    description: str
    subjects: tuple[str, ...]


@dataclass(frozen=True)
class Behind:
    """The stored query behind something that a page shows: its name and what it is asked about, by variable.

    What it is about is named as in an address: by an IRI, or by what follows `id/`.
    """

    name: str
    about: tuple[tuple[str, str], ...] = ()

    @property
    def editor(self) -> str:
        """The path of the editor with the query in it."""
        return f"sparql?{urlencode([('stored', self.name), *self.about], safe='/:')}"

    @property
    def csv(self) -> str:
        """The path of its answer as CSV."""
        about = urlencode(self.about, safe="/:")
        return f"queries/{quote(self.name, safe='')}.csv{'?' if about else ''}{about}"


def by_subject(
    stored: Iterable[StoredQuery], view: View, each_once: bool = False
) -> list[tuple[str, str, list[QueryRequest]]]:
    """Return the stored queries under each of their subjects, or the first: its tag, its words, and the queries."""
    found: dict[str, list[QueryRequest]] = {}
    for query in stored:
        for tag in query.tags[:1] if each_once else query.tags:
            found.setdefault(tag, []).append(question(query, view))
    order = list(SUBJECTS)
    tags = sorted(found, key=lambda tag: (order.index(tag) if tag in order else len(order), tag))
    return [(tag, word(tag, view), sorted(found[tag], key=lambda asked: asked.summary)) for tag in tags]


def for_people_first(stored: Iterable[StoredQuery]) -> list[StoredQuery]:
    """Return stored queries in their order, those last that this site asks for itself."""
    return sorted(stored, key=lambda query: not _OWN.isdisjoint(query.tags))


def question(query: StoredQuery, view: View) -> QueryRequest:
    """Return a stored query in the language of a page."""
    ja = view.lang == "ja"
    return QueryRequest(
        query.name,
        query.summary_ja if ja else query.summary,
        query.description_ja if ja else query.description,
        tuple(word(tag, view) for tag in query.tags),
    )


def text(query: StoredQuery, view: View) -> str:
    """Return the text of a stored query for somebody who will change it: with one line that says what it asks."""
    return f"# {question(query, view).summary}\n{query.question}"


def word(tag: str, view: View) -> str:
    """Return the words for a subject."""
    return view.t(*SUBJECTS[tag]) if tag in SUBJECTS else tag


def terms(query: StoredQuery) -> list[str]:
    """Return the IRIs that a stored query names, each once."""
    return list(dict.fromkeys(name.iri for name in sparql_scanner.names(query.text) if name.iri))


def pieces(text: str, words: Words, known: Container[str], view: View) -> list[tuple[str, str]]:
    """Return the text of a query in pieces, each with where it leads, or nothing: terms and things are links."""
    found, end = list[tuple[str, str]](), 0
    for name in sparql_scanner.names(text):
        href = _leads_to(name.iri, words, known, view)
        if href:
            found += [(text[end : name.start], ""), (name.written, href)]
            end = name.start + len(name.written)
    return [*found, (text[end:], "")]


def _leads_to(iri: str, words: Words, known: Container[str], view: View) -> str:
    if iri.startswith(ID) and iri in known:
        return view.link(path_of(iri))
    if iri in words.declared:
        return view.link(f"def#{iri.removeprefix(ONTOLOGY)}")
    return ""
