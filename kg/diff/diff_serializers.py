"""Serializers of the changes between two dumps: text, JSON and Atom (RFC 4287)."""

import json
from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as Xml

from kg.core.errors import Problem, QueryError
from kg.core.iris import BASE, served_iri, to_curie
from kg.core.labels import is_web_address
from kg.diff.comparer import Change, Changes
from kg.diff.sentences import BilingualText

KINDS = {
    "added": BilingualText("追加", "added"),
    "removed": BilingualText("削除", "removed"),
    "changed": BilingualText("変更", "changed"),
    "continued": BilingualText("継続", "continued"),
}
_ATOM = "http://www.w3.org/2005/Atom"


def as_text(changes: Changes, lang: str) -> str:
    """Return the changes as text for a terminal."""
    lines = [headline(changes).of(lang), statement_counts(changes).of(lang)]
    for kind, things in by_class(changes):
        lines += ["", f"{changes.classes[kind].of(lang)} ({totals(things).of(lang)})"]
        for change in things:
            name = " ".join(filter(None, (change.number, change.name.of(lang))))
            lines.append(f"  [{KINDS[change.kind].of(lang)}] {name}  {to_curie(change.iri)}")
            lines += [f"      {sentence.words.of(lang)}" for sentence in change.sentences]
    if changes.others:
        lines += [
            "",
            BilingualText("ほかに、出典・根拠などの記録:", "Besides, records of where things come from:").of(lang),
        ]
        lines += [f"  {words.of(lang)}: {count.of(lang)}" for words, count in others(changes)]
    return "\n".join(lines) + "\n"


def headline(changes: Changes) -> BilingualText:
    """Return the headline with the names of both dumps."""
    before, after = changes.before, changes.after
    return BilingualText(f"{before} から {after} への変更", f"Changes from {before} to {after}")


def statement_counts(changes: Changes) -> BilingualText:
    """Return the numbers of added and removed statements."""
    added, removed = f"{changes.added:,}", f"{changes.removed:,}"
    return BilingualText(f"トリプル:追加{added}件、削除{removed}件", f"Triples: {added} added, {removed} removed")


def by_class(changes: Changes) -> Iterator[tuple[str, list[Change]]]:
    """Yield the changed entities by class, in the order of first occurrence."""
    for kind in dict.fromkeys(change.type for change in changes.things):
        yield kind, [change for change in changes.things if change.type == kind]


def totals(things: list[Change]) -> BilingualText:
    """Return the numbers of entities added, removed, changed and continued."""
    return _counted(Counter(change.kind for change in things))


def others(changes: Changes) -> Iterator[tuple[BilingualText, BilingualText]]:
    """Yield the names of the classes that are only counted, with their numbers by kind of change."""
    for kind, counts in sorted(changes.others.items(), key=lambda item: changes.classes[item[0]].en):
        yield changes.classes[kind], _counted(counts)


def _counted(counts: Counter[str]) -> BilingualText:
    present = [(KINDS[kind], counts[kind]) for kind in KINDS if counts[kind]]
    return BilingualText(
        "、".join(f"{words.ja}{count:,}件" for words, count in present),
        ", ".join(f"{count:,} {words.en}" for words, count in present),
    )


def as_json(changes: Changes) -> bytes:
    """Return the changes as JSON: each entity with its sentences in both languages, and the values."""
    content = {
        "before": changes.before,
        "after": changes.after,
        "issued": changes.issued or None,
        "triples": {"added": changes.added, "removed": changes.removed},
        "things": [_entity_change(change) for change in changes.things],
        "others": [{"class": kind, **counts} for kind, counts in sorted(changes.others.items())],
    }
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def _entity_change(change: Change) -> dict[str, object]:
    return {
        "iri": change.iri,
        "class": change.type,
        "kind": change.kind,
        "number": change.number or None,
        "name": {"ja": change.name.ja, "en": change.name.en},
        "earlier": list(change.earlier),
        "changes": [
            {
                "property": sentence.property,
                "before": list(sentence.before),
                "after": list(sentence.after),
                "ja": sentence.words.ja,
                "en": sentence.words.en,
            }
            for sentence in change.sentences
        ],
    }


def as_atom(changes: Changes, lang: str) -> bytes:
    """Return the changes as an Atom feed with one entry per entity; raise QueryError if the day is unknown."""
    if not changes.issued:
        fact = f"a feed needs the day of the change, and {changes.after} has none"
        raise QueryError(Problem(fact, "give it by --issued, such as 2026-11-23"))
    Xml.register_namespace("", _ATOM)
    feed = Xml.Element(f"{{{_ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": lang})
    query = urlencode({"from": changes.before, "to": changes.after})
    address = f"{BASE}changes?{query}"
    day = f"{changes.issued}T00:00:00Z"
    _put(feed, "id", address)
    _put(feed, "link", href=f"{address}&format=atom&lang={lang}", rel="self", type="application/atom+xml")
    _put(feed, "link", href=f"{address}&lang={lang}", rel="alternate", type="text/html")
    _put(feed, "title", headline(changes).of(lang))
    _put(feed, "subtitle", statement_counts(changes).of(lang))
    _put(feed, "updated", day)
    _put(_put(feed, "author"), "name", BilingualText("施策グラフ プロジェクト", "The Shisaku Graph project").of(lang))
    for change in changes.things:
        _entry(feed, change, address, day, lang)
    Xml.indent(feed)
    return bytes(Xml.tostring(feed, encoding="utf-8", xml_declaration=True)) + b"\n"


def _entry(feed: Xml.Element, change: Change, address: str, day: str, lang: str) -> None:
    entry = _put(feed, "entry")
    name = " ".join(filter(None, (change.number, change.name.of(lang))))
    _put(entry, "id", f"{address}#{quote(change.iri, safe=':/')}")
    _put(entry, "title", f"{KINDS[change.kind].of(lang)}: {name}")
    _put(entry, "updated", day)
    if is_web_address(change.iri):
        _put(entry, "link", href=served_iri(change.iri), rel="alternate")
    _put(entry, "category", term=change.kind, label=KINDS[change.kind].of(lang))
    _put(entry, "category", term=change.type)
    _put(entry, "content", "\n".join(sentence.words.of(lang) for sentence in change.sentences), type="text")


def _put(parent: Xml.Element, name: str, text: str = "", **attributes: str) -> Xml.Element:
    """Add an element; characters that XML 1.0 forbids are left out (its section 2.2)."""
    element = Xml.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    if text:
        element.text = "".join(
            char for char in text if char in "\t\n\r" or (char >= " " and char not in "\ufffe\uffff")
        )
    return element
