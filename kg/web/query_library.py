"""Presentation of the stored queries: by subject, in one language, with linked terms."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from kg.core import sparql_scanner
from kg.core.iris import ID, ONTOLOGY
from kg.core.stored_queries import StoredQuery
from kg.http.responses import path_of
from kg.http.templates import View
from kg.web.vocabulary_index import VocabularyTerms

# Labels of the tags of the stored queries, in the order of the pages. A tag without a label is displayed as it is.
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
# Subjects of queries that the site itself uses.
_INTERNAL_SUBJECTS = {"browsing", "search", "reconciliation"}


@dataclass(frozen=True)
class QueryInfo:
    """A stored query in one language: name, summary, description and subjects."""

    name: str
    summary: str
    description: str
    subjects: tuple[str, ...]


@dataclass(frozen=True)
class QueryLink:
    """The stored query behind a part of a page: its name and parameters.

    Parameter values are written as in URLs: as an IRI, or as the part after `id/`.
    """

    name: str
    about: tuple[tuple[str, str], ...] = ()

    @property
    def editor(self) -> str:
        """The path of the SPARQL editor with the query."""
        return f"sparql?{urlencode([('stored', self.name), *self.about], safe='/:')}"

    @property
    def csv(self) -> str:
        """The path of its result as CSV."""
        about = urlencode(self.about, safe="/:")
        return f"queries/{quote(self.name, safe='')}.csv{'?' if about else ''}{about}"


def by_subject(
    stored: Iterable[StoredQuery], view: View, each_once: bool = False
) -> list[tuple[str, str, list[QueryInfo]]]:
    """Return the stored queries under each subject, or only the first: tag, label and queries."""
    by_tag: dict[str, list[QueryInfo]] = {}
    for query in stored:
        for tag in query.tags[:1] if each_once else query.tags:
            by_tag.setdefault(tag, []).append(query_info(query, view))
    order = list(SUBJECTS)
    tags = sorted(by_tag, key=lambda tag: (order.index(tag) if tag in order else len(order), tag))
    return [(tag, subject_label(tag, view), sorted(by_tag[tag], key=lambda info: info.summary)) for tag in tags]


def internal_last(stored: Iterable[StoredQuery]) -> list[StoredQuery]:
    """Return stored queries in their order, with those that the site itself uses last."""
    return sorted(stored, key=lambda query: not _INTERNAL_SUBJECTS.isdisjoint(query.tags))


def query_info(query: StoredQuery, view: View) -> QueryInfo:
    """Return a stored query in the language of a page."""
    ja = view.lang == "ja"
    return QueryInfo(
        query.name,
        query.summary_ja if ja else query.summary,
        query.description_ja if ja else query.description,
        tuple(subject_label(tag, view) for tag in query.tags),
    )


def editable_text(query: StoredQuery, view: View) -> str:
    """Return the text of a stored query for editing, with a summary line."""
    return f"# {query_info(query, view).summary}\n{query.question}"


def subject_label(tag: str, view: View) -> str:
    """Return the label of a subject."""
    return view.t(*SUBJECTS[tag]) if tag in SUBJECTS else tag


def used_terms(query: StoredQuery) -> list[str]:
    """Return the distinct IRIs in a stored query."""
    return list(dict.fromkeys(name.iri for name in sparql_scanner.names(query.text) if name.iri))


def linked_pieces(text: str, terms: VocabularyTerms, existing: Container[str], view: View) -> list[tuple[str, str]]:
    """Split the text of a query into pieces with their links, or no link: terms and resources are linked."""
    pieces, end = list[tuple[str, str]](), 0
    for name in sparql_scanner.names(text):
        href = _term_url(name.iri, terms, existing, view)
        if href:
            pieces += [(text[end : name.start], ""), (name.written, href)]
            end = name.start + len(name.written)
    return [*pieces, (text[end:], "")]


def _term_url(iri: str, terms: VocabularyTerms, existing: Container[str], view: View) -> str:
    if iri.startswith(ID) and iri in existing:
        return view.link(path_of(iri))
    if iri in terms.declared:
        return view.link(f"def#{iri.removeprefix(ONTOLOGY)}")
    return ""
