"""Builder of the search index of a graph. Deterministic, with constant memory, since SQLite sorts on disk.

The file is a SQLite database. `words` is a full-text table (FTS5) of our own tokens, with one column per role, and
`names` one of the names only, so that these are ranked by their own lengths. Both are contentless; the texts are in
`name` and `text` for snippets and matching.

The content comes from three stored queries: `search-texts` returns names and texts, each with a role; `search-types`
the types; `search-facets` the facet values. Entities with a name and a type are indexed.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from pyoxigraph import Literal, NamedNode, QuerySolutions, Store

from kg.core.iris import PREFIXES
from kg.core.paths import project_folders
from kg.core.release import SEARCH_FORMAT
from kg.core.stored_queries import EDITIONS_QUERY, stored_query
from kg.search.normalizer import BREAK, CharacterTable, Normalizer, features, key, tokens
from kg.search.scorer import bare, number_key

TEXTS, TYPES, FACETS = "search-texts", "search-types", "search-facets"
# Roles of a text. A hit in a name ranks before one in a text, and that before one in the name of a linked entity.
NAME, OTHER, NUMBER, TEXT, LINKED = ROLES = ("name", "other", "number", "text", "linked")
NAMING = (NAME, OTHER, NUMBER)
TYPE = "type"  # the facet that every entity has
EDITION = "edition"  # the facet of entities in an edition
# Measures with the earlier ones that they replace.
_EARLIER = f"SELECT ?thing ?earlier {{ ?thing <{PREFIXES['dcterms']}replaces> ?earlier }}"


@dataclass(frozen=True, slots=True)
class TextRow:
    """Text of an entity: its role, property, text and language."""

    thing: str
    role: str
    property: str
    text: str
    lang: str


def texts(store: Store) -> Iterator[TextRow]:
    """Yield the names and texts of the entities of a graph; unknown roles are left out."""
    for row in _rows(store, TEXTS):
        thing, role, prop, text = row["thing"], row["role"], row["property"], row["text"]
        if isinstance(thing, NamedNode) and isinstance(text, Literal) and _value(role) in ROLES:
            yield TextRow(thing.value, _value(role), _value(prop), text.value, text.language or "")


def types(store: Store) -> Iterator[tuple[str, str, float | None]]:
    """Yield each entity with a type, and its ranking weight, if it has one."""
    for row in _rows(store, TYPES):
        thing, kind, weight = row["thing"], row["type"], row["weight"]
        if isinstance(thing, NamedNode) and isinstance(kind, NamedNode):
            yield thing.value, kind.value, float(weight.value) if isinstance(weight, Literal) else None


def facets(store: Store) -> Iterator[tuple[str, str, str, str]]:
    """Yield each entity with a facet, its property and its value: an IRI, or the text of a literal."""
    for row in _rows(store, FACETS):
        if isinstance(row["thing"], NamedNode) and isinstance(row["value"], NamedNode | Literal):
            yield row["thing"].value, _value(row["facet"]), _value(row["property"]), row["value"].value


def editions(store: Store) -> list[str]:
    """Return the editions of a graph, the newest first."""
    return [row["edition"].value for row in _solutions(store, EDITIONS_QUERY) if isinstance(row["edition"], NamedNode)]


def earlier(store: Store) -> Iterator[tuple[str, str]]:
    """Yield the entities that replace others, with these."""
    for row in _solutions(store, _EARLIER):
        if isinstance(row["thing"], NamedNode) and isinstance(row["earlier"], NamedNode):
            yield row["thing"].value, row["earlier"].value


def _rows(store: Store, name: str) -> QuerySolutions:
    return _solutions(store, stored_query(project_folders().queries, name).text)


def _solutions(store: Store, query: str) -> QuerySolutions:
    results = store.query(query)
    assert isinstance(results, QuerySolutions)
    return results


def _value(term: object) -> str:
    return str(getattr(term, "value", ""))


_DESCRIBED_BY = ("lead", "pillar")
_DESCRIPTION = 120
_SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE character (one TEXT, other TEXT, kind TEXT, PRIMARY KEY (kind, one, other)) WITHOUT ROWID;
CREATE TABLE thing (id INTEGER PRIMARY KEY, iri TEXT NOT NULL UNIQUE, label_ja TEXT, label_en TEXT, description TEXT,
  weight REAL NOT NULL DEFAULT 1, age INTEGER NOT NULL DEFAULT 0);
CREATE TABLE name (id INTEGER PRIMARY KEY, thing INTEGER NOT NULL, role TEXT, lang TEXT, text TEXT, folded TEXT,
  key TEXT NOT NULL, bare TEXT NOT NULL);
CREATE TABLE text (thing INTEGER NOT NULL, place INTEGER, role TEXT, property TEXT, lang TEXT, text TEXT,
  PRIMARY KEY (thing, place)) WITHOUT ROWID;
CREATE TABLE facet (name TEXT PRIMARY KEY, property TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE value (id INTEGER PRIMARY KEY, facet TEXT NOT NULL, value TEXT NOT NULL, label_ja TEXT, label_en TEXT);
CREATE TABLE has (thing INTEGER, value INTEGER, PRIMARY KEY (thing, value)) WITHOUT ROWID;
CREATE TABLE earlier (thing INTEGER, earlier INTEGER, PRIMARY KEY (thing, earlier)) WITHOUT ROWID;
CREATE VIRTUAL TABLE names USING fts5({", ".join(NAMING)}, content='', tokenize="ascii", prefix='1');
CREATE VIRTUAL TABLE words USING fts5({", ".join(ROLES)}, content='', tokenize="ascii", prefix='1');
CREATE VIRTUAL TABLE grams USING fts5(features, content='', tokenize="ascii", detail=none, columnsize=0);
CREATE TABLE word_count (token TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE gram_count (token TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TEMP TABLE given_text (iri TEXT, role TEXT, property TEXT, text TEXT, lang TEXT);
CREATE TEMP TABLE typed (iri TEXT, value TEXT, weight REAL);
CREATE TEMP TABLE replaced (iri TEXT, earlier TEXT);
CREATE TEMP TABLE faceted (iri TEXT, facet TEXT, property TEXT, value TEXT);
"""
# Entities with a name and a type. Others, such as the cells of the document, are not indexed.
_THINGS = (
    "INSERT INTO thing (iri)"
    f" SELECT DISTINCT iri FROM given_text WHERE role = '{NAME}' AND iri IN (SELECT iri FROM typed) ORDER BY iri",
    "UPDATE thing SET weight = found.weight"
    " FROM (SELECT iri, MAX(weight) AS weight FROM typed WHERE weight IS NOT NULL GROUP BY iri) AS found"
    " WHERE found.iri = thing.iri",
    f"INSERT INTO faceted SELECT iri, '{TYPE}', '{PREFIXES['rdf']}type', value"
    " FROM typed WHERE iri IN (SELECT iri FROM thing)",
)
# The age of an entity is the number of newer editions; entities of newer editions rank first.
_AGE = (
    "UPDATE thing SET age = ? WHERE id IN"
    " (SELECT has.thing FROM has JOIN value ON value.id = has.value WHERE facet = ? AND value.value = ?)"
)
_INDICES = """
CREATE INDEX name_thing ON name (thing);
CREATE INDEX name_key ON name (key);
CREATE INDEX name_bare ON name (bare);
CREATE UNIQUE INDEX value_value ON value (facet, value);
CREATE INDEX thing_age ON thing (age);
CREATE INDEX earlier_earlier ON earlier (earlier);
CREATE INDEX has_value ON has (value, thing);
"""

_FINISH = """
INSERT INTO names(names) VALUES ('optimize');
INSERT INTO words(words) VALUES ('optimize');
INSERT INTO grams(grams) VALUES ('optimize');
CREATE VIRTUAL TABLE temp.of_words USING fts5vocab(main, words, 'row');
CREATE VIRTUAL TABLE temp.of_grams USING fts5vocab(main, grams, 'row');
INSERT INTO word_count SELECT term, doc FROM of_words;
INSERT INTO gram_count SELECT term, doc FROM of_grams;
ANALYZE;
"""

# No journal: the file is completed or deleted.
_PRAGMAS = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE; PRAGMA cache_size = -65536;"


def build(store: Store, file: Path, characters: CharacterTable | None = None) -> None:
    """Write the index of a graph to a new file; `characters` is the table of equivalent characters."""
    characters = characters or CharacterTable.read()
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.executescript(_PRAGMAS + _SCHEMA)
        database.execute("BEGIN")
        database.execute("INSERT INTO meta VALUES ('format', ?)", (SEARCH_FORMAT,))
        order = editions(store)
        database.execute("INSERT INTO meta VALUES ('editions', ?)", ("\n".join(order),))
        database.executemany("INSERT OR IGNORE INTO character VALUES (?, ?, ?)", characters.rows())
        rows = ((one.thing, one.role, one.property, one.text, one.lang) for one in texts(store))
        database.executemany("INSERT INTO given_text VALUES (?, ?, ?, ?, ?)", rows)
        database.executemany("INSERT INTO typed VALUES (?, ?, ?)", types(store))
        database.executemany("INSERT INTO faceted VALUES (?, ?, ?, ?)", facets(store))
        database.executemany("INSERT INTO replaced VALUES (?, ?)", earlier(store))
        for statement in _THINGS:
            database.execute(statement)
        _write_things(database, Normalizer(characters.usual))
        _write_values(database)
        database.executemany(_AGE, [(age, EDITION, edition) for age, edition in enumerate(order) if age])
        database.execute("COMMIT")
        database.executescript(_INDICES + _FINISH)


def _write_things(database: sqlite3.Connection, normalizer: Normalizer) -> None:
    rows = database.execute(
        "SELECT DISTINCT id, role, property, lang, text FROM given_text JOIN thing USING (iri)"
        " ORDER BY id, role, lang, property, text"
    )
    for thing, group in groupby(rows, key=lambda row: row[0]):
        _write_thing(database, thing, [row[1:] for row in group], normalizer)


def _write_thing(
    database: sqlite3.Connection, thing: int, rows: list[tuple[str, str, str, str]], normalizer: Normalizer
) -> None:
    names = [(role, lang, text) for role, _, lang, text in rows if role in NAMING]
    name_texts = {text for _, _, text in names}
    others = [row for row in rows if row[0] in (TEXT, LINKED) and row[3] not in name_texts]
    columns = {role: list[str]() for role in ROLES}
    for role, lang, text in names:
        folded = normalizer.text(text)
        columns[role] += [*tokens(folded), BREAK]
        keys = (number_key(folded), "") if role == NUMBER else (key(folded), bare(folded))
        place = database.execute(
            "INSERT INTO name (thing, role, lang, text, folded, key, bare) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (thing, role, lang, text, folded, *keys),
        ).lastrowid
        if role != NUMBER:  # a number matches exactly, never by similarity
            grams = " ".join(dict.fromkeys(features(folded)))
            database.execute("INSERT INTO grams (rowid, features) VALUES (?, ?)", (place, grams))
    for place, (role, prop, lang, text) in enumerate(others):
        columns[role] += [*tokens(normalizer.text(text)), BREAK]
        database.execute("INSERT INTO text VALUES (?, ?, ?, ?, ?, ?)", (thing, place, role, prop, lang, text))
    for table, roles in (("names", NAMING), ("words", ROLES)):
        marks = ", ".join("?" * len(roles))
        words = [" ".join(columns[role]) for role in roles]
        database.execute(f"INSERT INTO {table} (rowid, {', '.join(roles)}) VALUES (?, {marks})", (thing, *words))
    primary = {lang: text for role, lang, text in reversed(names) if role == NAME}
    label = primary.get("ja") or primary.get("") or ""
    description = " · ".join(text for role, _, text in names if role in (NUMBER, OTHER))
    description = description or next((text for role, _, _, text in others if role == TEXT), "")
    label_en = primary.get("en", "" if label else next(iter(primary.values())))
    labels = (label, label_en, description[:_DESCRIPTION], thing)
    database.execute("UPDATE thing SET label_ja = ?, label_en = ?, description = ? WHERE id = ?", labels)


def _write_values(database: sqlite3.Connection) -> None:
    database.execute("INSERT INTO facet SELECT facet, MIN(property) FROM faceted GROUP BY facet")
    database.execute(
        "INSERT INTO value (facet, value, label_ja, label_en)"
        " SELECT DISTINCT facet, value, label_ja, label_en FROM faceted LEFT JOIN thing ON thing.iri = faceted.value"
        " WHERE faceted.iri IN (SELECT iri FROM thing) ORDER BY facet, value"
    )
    database.execute(
        "INSERT OR IGNORE INTO has SELECT thing.id, value.id FROM faceted JOIN thing USING (iri)"
        " JOIN value ON value.facet = faceted.facet AND value.value = faceted.value ORDER BY 1, 2"
    )
    database.execute(
        "INSERT OR IGNORE INTO earlier SELECT later.id, thing.id FROM replaced"
        " JOIN thing AS later ON later.iri = replaced.iri JOIN thing ON thing.iri = replaced.earlier ORDER BY 1, 2"
    )
