"""RDF 1.1 XML that gives back what was written, in XML readers of any edition and of any RDF library.

A property becomes the name of an element, so its IRI has to end in a name: the longest end that the fourth edition of
XML 1.0 allows is taken, since many readers know no other. Some graphs cannot be said in this syntax at all.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from xml.parsers import expat

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_TYPE, _STRING = _RDF + "type", "http://www.w3.org/2001/XMLSchema#string"
# Words of the syntax (RDF 1.1 XML Syntax, 5.1 and 7.2.2); `li` as a property means the next of `_1`, `_2` …
_SYNTAX = ("RDF", "ID", "about", "parseType", "resource", "nodeID", "datatype", "Description", "li")
_RESERVED = {_RDF + word for word in (*_SYNTAX, "aboutEach", "aboutEachPrefix", "bagID")}
_UNDECLARED = {"http://www.w3.org/2000/xmlns/", "http://www.w3.org/XML/1998/namespace"}

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SPECIAL = re.compile("[&<>\"'\r]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "\r": "&#13;"}
_END = re.compile(r"""[^/:?#\[\]@!$&'()*+,;=%~<>"{}|\\^`\s]*\Z""")
_LONGEST_NAME = 200  # characters; a longer end of an IRI is tried from there on


class InexpressibleError(ValueError):
    """A statement that cannot be said in RDF 1.1 XML; its text is the reason."""


def pieces(triples: Iterable[Triple], prefixes: Mapping[str, str]) -> Iterator[str]:
    """Yield a document in pieces: what stands at its top, each statement, its end.

    Statements about one thing that stand beside each other go into one element. Raises InexpressibleError.
    """
    namespaces = {iri: prefix for prefix, iri in prefixes.items() if iri not in _UNDECLARED} | {_RDF: "rdf"}
    names = _Names(namespaces)
    declared = " ".join(f'xmlns:{prefix}="{_escaped(iri)}"' for iri, prefix in sorted(namespaces.items()))
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<rdf:RDF {declared}>'
    subject, end = None, ""
    for triple in triples:
        if triple.subject != subject:
            subject = triple.subject
            kind = names.of_class(triple)
            opening, closing = kind or ("rdf:Description", "rdf:Description")
            yield f"{end}\n\t<{opening} {_reference('about', triple.subject)}>"
            end = f"\n\t</{closing}>"
            if kind:
                continue
        yield f"\n\t\t{names.element(triple)}"
    yield f"{end}\n</rdf:RDF>"


class _Names(dict[str, tuple[str, str]]):
    """The tags of IRIs: what begins an element with its namespace, and what ends it; both empty where there is none."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        super().__init__()
        self._namespaces = namespaces

    def __missing__(self, iri: str) -> tuple[str, str]:
        self[iri] = self._tags(iri)
        return self[iri]

    def _tags(self, iri: str) -> tuple[str, str]:
        for place in _ends(iri):
            namespace, name = iri[:place], iri[place:]
            if namespace and namespace not in _UNDECLARED and _is_name(name):
                prefix = self._namespaces.get(namespace)
                tag = f"{prefix}:{name}" if prefix else name
                return (tag, tag) if prefix else (f'{tag} xmlns="{_escaped(namespace)}"', tag)
        return "", ""

    def of_class(self, triple: Triple) -> tuple[str, str] | None:
        """Return the tags of an element that tells the class of a thing, in place of this statement; or None."""
        if triple.predicate.value != _TYPE or not isinstance(triple.object, NamedNode):
            return None
        tags = self[triple.object.value] if triple.object.value not in _RESERVED else ("", "")
        return tags if tags[0] else None

    def element(self, triple: Triple) -> str:
        """Return the element of a statement."""
        iri, value = triple.predicate.value, triple.object
        if iri in _RESERVED:
            name = iri.removeprefix(_RDF)
            raise InexpressibleError(f"the property rdf:{name}, which is a word of its syntax")
        opening, closing = self[iri]
        if not opening:
            raise InexpressibleError(f"the property <{iri}>, which does not end in a name")
        if isinstance(value, NamedNode | BlankNode):
            return f"<{opening} {_reference('resource', value)}/>"
        if isinstance(value, Triple):
            raise InexpressibleError("a statement about a statement, which came with RDF 1.2")
        return f"<{opening}{_kind(value)}>{_escaped(value.value)}</{closing}>"


def _kind(value: Literal) -> str:
    if value.direction:
        raise InexpressibleError("a text with a direction, which came with RDF 1.2")
    if value.language:
        return f' xml:lang="{value.language}"'
    datatype = value.datatype.value
    return "" if datatype == _STRING else f' rdf:datatype="{_escaped(datatype)}"'


def _reference(attribute: str, term: object) -> str:
    if isinstance(term, BlankNode):
        return f'rdf:nodeID="{term.value}"'
    assert isinstance(term, NamedNode)
    return f'rdf:{attribute}="{_escaped(term.value)}"'


def _escaped(text: str) -> str:
    if found := _FORBIDDEN.search(text):
        raise InexpressibleError(f"the character U+{ord(found[0]):04X}, which it forbids")
    return _SPECIAL.sub(lambda special: _ESCAPES[special[0]], text) if _SPECIAL.search(text) else text


def _ends(iri: str) -> Iterator[int]:
    """Yield where a name could begin in an IRI, the first place first."""
    end = _END.search(iri)
    assert end is not None
    return iter(range(max(end.start(), len(iri) - _LONGEST_NAME), len(iri)))


@lru_cache(4096)
def _is_name(text: str) -> bool:
    """Whether a text is a name without a colon, for a reader of the fourth edition, which the standard one is."""
    try:
        expat.ParserCreate(namespace_separator=" ").Parse(f"<{text}/>", True)
    except expat.ExpatError:
        return False
    return True
