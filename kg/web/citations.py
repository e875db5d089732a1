"""Citations of a release or of a query result, as text and in the formats of reference managers.

A citation names the version, since a release is immutable, and for a result the query: by a prefix of its SHA-256,
which identifies the text, and by a URL that runs it on that release. A stored query is cited as contained in the
release, whatever later versions of it say.
"""

import datetime
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from pyoxigraph import Literal, NamedNode, RdfFormat, Store, parse

from kg.core.errors import Problem, QueryError, ReleaseError
from kg.core.iris import BASE, PREFIXES, served_quad
from kg.core.release import DESCRIPTION, QUERIES, Release, dataset_iri
from kg.http.sparql_endpoint import LONGEST_URL

_EXECUTABLE = ("select", "construct", "ask")  # SHACL properties with the text of a query
_DIGEST = 16  # hexadecimal digits
_DCTERMS, _FOAF, _RDFS = (PREFIXES[name] for name in ("dcterms", "foaf", "rdfs"))
_BIBTEX = str.maketrans(
    {**{char: f"\\{char}" for char in "&%$#_{}"}, "\\": r"\textbackslash{}", "~": r"\~{}", "^": r"\^{}"}
)


@dataclass(frozen=True)
class Citation:
    """The data of a citation. `rights` name source and editing, as the terms require; `note` describes the query."""

    key: str
    title: str
    author: str
    issued: datetime.date
    version: str
    url: str
    licence: str
    rights: str
    note: str
    lang: str


@dataclass(frozen=True)
class CitedQuery:
    """A cited query: its text and, for a stored one, its name and summary."""

    text: str
    name: str = ""
    summary: str = ""

    @classmethod
    def stored(cls, release: Release, name: str, lang: str) -> "CitedQuery":
        """Return a stored query of a release with its summary in a language; raise QueryError if there is none."""
        labelled_text = _stored_queries(release.path(QUERIES)).get(name)
        if not labelled_text:
            remedy = "`kg query` lists those of today; cite another query by its text"
            raise QueryError(Problem(f"release {release.version} has no stored query {name}", remedy))
        return cls(labelled_text[0], name, labelled_text[1] if lang == "ja" else labelled_text[2])

    def address(self, release: str) -> str:
        """Return the URL of the result; for a text too long for a URL, that of the endpoint."""
        url = release + self.path
        return url if len(url) <= LONGEST_URL else f"{release}sparql"

    @property
    def path(self) -> str:
        """The path of the result below that of a release."""
        return f"queries/{quote(self.name)}" if self.name else self.question()

    def question(self) -> str:
        """Return the path of the result with the whole text of the query."""
        return f"sparql?query={quote(self.text, safe='')}"

    @property
    def digest(self) -> str:
        """The prefix of the SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:_DIGEST]

    def note(self, lang: str) -> str:
        """Return the description of the query in a citation."""
        called = f"{self.summary} ({self.name}), " if self.name else ""
        return f"{'質問' if lang == 'ja' else 'Query'}: {called}SHA-256 {self.digest}"


def citation(release: Release, lang: str, query: CitedQuery | None = None) -> Citation:
    """Return the citation of a release, or of the result of a query on it.

    Raises ReleaseError if the description of the release has no title or publisher.
    """
    texts = _release_texts(release.path(DESCRIPTION), release.version, lang)
    address = f"{BASE}release/{quote(release.version)}/"
    if query:
        address = query.address(address)
    return Citation(
        key=f"shisaku-graph-{release.version}{f'-{query.name or query.digest}' if query else ''}",
        title=texts["title"],
        author=texts["author"],
        issued=datetime.date.fromisoformat(release.issued),
        version=release.version,
        url=address,
        licence=texts["licence"],
        rights=texts["rights"],
        note=query.note(lang) if query else "",
        lang=lang,
    )


@lru_cache(8)
def _stored_queries(file: Path) -> dict[str, tuple[str, str, str]]:
    """Return the text and the Japanese and English label of each stored query of a release, by name."""
    store, queries = _read(file), {}
    for quad in store.quads_for_pattern(None, NamedNode(_DCTERMS + "identifier"), None):
        if isinstance(quad.subject, NamedNode) and isinstance(quad.object, Literal):
            iri = quad.subject.value
            text = next(filter(None, (_text(store, iri, PREFIXES["sh"] + form, "") for form in _EXECUTABLE)), "")
            ja, en = (_text(store, iri, _RDFS + "label", lang) for lang in ("ja", "en"))
            queries[quad.object.value] = text, ja, en
    return queries


@lru_cache(32)
def _release_texts(file: Path, version: str, lang: str) -> dict[str, str]:
    """Return title, author, rights and licence from the description of a release, in a language."""
    store = _read(file)
    dataset = dataset_iri(version)
    publisher, rights = (_object(store, dataset, _DCTERMS + name) for name in ("publisher", "rights"))
    return {
        "title": _text(store, dataset, _DCTERMS + "title", lang),
        "author": _text(store, publisher, _FOAF + "name", lang),
        "rights": _text(store, rights, _RDFS + "label", lang),
        "licence": _object(store, dataset, _DCTERMS + "license"),
    }


def _read(file: Path) -> Store:
    store = Store()
    try:
        store.extend(map(served_quad, parse(path=str(file), format=RdfFormat.TURTLE)))
    except OSError as error:
        remedy = "make the release again with `kg build`"
        raise ReleaseError(
            Problem(f"the description of the release cannot be read: {error.strerror}", remedy, file)
        ) from error
    return store


def _object(store: Store, subject: str, predicate: str) -> str:
    if not subject:
        return ""
    quads = store.quads_for_pattern(NamedNode(subject), NamedNode(predicate), None)
    return next((quad.object.value for quad in quads if isinstance(quad.object, NamedNode)), "")


def _text(store: Store, subject: str, predicate: str, lang: str) -> str:
    if not subject:
        return ""
    quads = store.quads_for_pattern(NamedNode(subject), NamedNode(predicate), None)
    texts = {quad.object.language: quad.object.value for quad in quads if isinstance(quad.object, Literal)}
    return texts.get(lang) or next(iter(texts.values()), "")


def as_text(cited: Citation) -> str:
    """Return a citation as text."""
    ja = cited.lang == "ja"
    release = f"版{cited.version}" if ja else f"release {cited.version}"
    kind = "[データセット]" if ja else "[data set]"
    parts = [
        f"{cited.author} ({cited.issued.year}). {cited.title}, {release} {kind}",
        cited.note,
        cited.url,
        cited.rights,
    ]
    return _sentences(*parts)


def _sentences(*parts: str) -> str:
    """Join parts as sentences, each with its full stop."""
    return " ".join(part if part.endswith((".", "。")) else f"{part}." for part in parts if part)


def as_bibtex(cited: Citation) -> str:
    """Return a citation as a BibTeX entry (`@misc`, which every style supports)."""
    fields = {
        "title": f"{{{_escaped(cited.title)}}}",
        "author": f"{{{_escaped(cited.author)}}}",
        "year": str(cited.issued.year),
        "month": str(cited.issued.month),
        "version": _escaped(cited.version),
        "url": cited.url,
        "note": _escaped(_sentences(cited.note, cited.rights)),
        "license": cited.licence,
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{cited.key},", *lines, "}"]) + "\n"


def _escaped(text: str) -> str:
    return text.translate(_BIBTEX)


def as_csl_json(cited: Citation) -> str:
    """Return a citation as CSL-JSON (Citation Style Language 1.0.2), which Zotero, Pandoc and others read."""
    item = {
        "id": cited.key,
        "type": "dataset",
        "title": cited.title,
        "author": [{"literal": cited.author}],
        "publisher": cited.author,
        "issued": {"date-parts": [[cited.issued.year, cited.issued.month, cited.issued.day]]},
        "version": cited.version,
        "URL": cited.url,
        "license": cited.licence,
        "note": _sentences(cited.note, cited.rights),
        "language": cited.lang,
    }
    return json.dumps([item], ensure_ascii=False, indent=1) + "\n"


def as_ris(cited: Citation) -> str:
    """Return a citation as RIS: a tag of two characters on each line, which ends in CR and LF."""
    tags = (
        ("TY", "DATA"),
        ("TI", cited.title),
        ("AU", f"{cited.author},"),  # the comma marks a name that is not a person's
        ("PB", cited.author),
        ("PY", str(cited.issued.year)),
        ("DA", f"{cited.issued:%Y/%m/%d}"),
        ("ET", cited.version),
        ("UR", cited.url),
        ("N1", cited.note),
        ("N1", cited.rights),
        ("LA", cited.lang),
        ("ER", ""),
    )
    return "".join(f"{tag}  - {' '.join(text.split())}\r\n" for tag, text in tags if text or tag == "ER")


# For each format: its media type, its file name suffix, and its serializer.
FORMATS: dict[str, tuple[str, str, Callable[[Citation], str]]] = {
    "text": ("text/plain", "txt", lambda cited: as_text(cited) + "\n"),
    "bibtex": ("application/x-bibtex", "bib", as_bibtex),
    "csl-json": ("application/vnd.citationstyles.csl+json", "json", as_csl_json),
    "ris": ("application/x-research-info-systems", "ris", as_ris),
}
