"""Suggestions while somebody types: things, types and properties (Reconciliation Service API 0.2, section 6)."""

from collections.abc import Iterable
from dataclasses import dataclass

from kg.http.search_executor import Desk, left
from kg.matching.reconcile.store_lookup import Known
from kg.matching.reconcile.type_registry import Term, Vocabulary, id_of_thing, iri_of_thing
from kg.search import Found, Hit, Matcher

PAGE = 20  # suggestions at once; `cursor` leads to the next


@dataclass(frozen=True)
class Typed:
    """What somebody has typed, how many suggestions they have seen, and in which language and edition they look.

    `type` is the IRI of a type, or empty; `elsewhere` is what the IRIs of things of other editions begin with.
    """

    prefix: str
    cursor: int = 0
    type: str = ""
    lang: str = "ja"
    elsewhere: tuple[str, ...] = ()


async def things(desk: Desk, known: Known, vocabulary: Vocabulary, typed: Typed) -> dict[str, object]:
    """Return things whose names or texts hold what has been typed, and first the one whose identifier it is."""
    words = typed.prefix.strip()
    if not words:
        return {"result": []}
    filters = {"type": [typed.type] if typed.type else []}

    def look(matcher: Matcher, deadline: float) -> Found:
        return matcher.index.find(words, filters=filters, limit=PAGE, offset=typed.cursor, seconds=left(deadline))

    found = await desk.errand(look)
    result = [_hit(hit, vocabulary, typed.lang) for hit in found.hits if not hit.iri.startswith(typed.elsewhere)]
    if "/" in words and not typed.cursor:
        iri = iri_of_thing(words)
        named = (await known.named([iri])).get(iri)
        if named:
            kinds = [vocabulary.term(type).said(typed.lang) for type in named.types]
            meant: dict[str, object] = {"id": id_of_thing(iri), "name": named.name(typed.lang), "notable": kinds}
            result = [meant, *(one for one in result if one["id"] != meant["id"])]
    said: dict[str, object] = {"result": result}
    seen = typed.cursor + len(found.hits)
    return {**said, "cursor": seen} if seen < found.total else said


def terms(there: Iterable[Term], typed: Typed) -> dict[str, object]:
    """Return the types or properties whose name, in either language, or identifier holds what has been typed."""
    words = typed.prefix.strip().casefold()
    matching = [term for term in there if _holds(term, words)]
    window = matching[typed.cursor : typed.cursor + PAGE]
    result = [
        {**term.said(typed.lang), "description": term.name("en" if typed.lang == "ja" else "ja")} for term in window
    ]
    said: dict[str, object] = {"result": result}
    seen = typed.cursor + len(window)
    return {**said, "cursor": seen} if seen < len(matching) else said


def _holds(term: Term, words: str) -> bool:
    """Whether a name holds these words, or the identifier begins with them, with its prefix or without."""
    id, _, local = term.id.casefold().rpartition(":")
    begins = f"{id}:{local}".startswith(words) or local.startswith(words) or term.iri.casefold() == words
    return begins or any(words in name.casefold() for name in (term.ja, term.en))


def _hit(hit: Hit, vocabulary: Vocabulary, lang: str) -> dict[str, object]:
    name, other = (hit.label_ja, hit.label_en) if lang == "ja" else (hit.label_en, hit.label_ja)
    kinds = [vocabulary.term(type) for type in hit.types]
    described = [*(kind.name(lang) for kind in kinds), *([other] if name and other else [])]
    described += [hit.edition.rpartition("/")[2]] if hit.edition else []
    return {
        "id": id_of_thing(hit.iri),
        "name": name or other or id_of_thing(hit.iri),
        "description": " · ".join(described),
        "notable": [kind.said(lang) for kind in kinds],
    }
