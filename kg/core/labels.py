"""How terms and things are named on pages: by the ontology and the names of standard terms that a release holds."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, parse

from kg.core.errors import Problem, ReleaseError
from kg.core.iris import PREFIXES, served_iri

_LABEL = PREFIXES["rdfs"] + "label"


class Labels:
    """The names of terms in Japanese and English. Without files every term goes by its prefixed name.

    Raises ReleaseError where a file cannot be read.
    """

    def __init__(self, files: Iterable[Path] = ()) -> None:
        self._names: dict[str, dict[str, str]] = {}
        for file in files:
            for quad in statements_of(file):
                thing, name = quad.subject, quad.object
                if quad.predicate.value == _LABEL and isinstance(thing, NamedNode) and isinstance(name, Literal):
                    names = self._names.setdefault(served_iri(thing.value), {})
                    names[name.language or ""] = name.value
        self._order = {iri: number for number, iri in enumerate(self._names)}

    def of(self, iri: str, lang: str) -> str:
        """Return the name of a term in a language, or else its prefixed name."""
        return self._names.get(iri, {}).get(lang) or prefixed(iri)

    def rank(self, iri: str) -> tuple[int, str]:
        """Return what to sort terms by: as the files lay them out, what they do not know last."""
        return self._order.get(iri, len(self._order)), iri


def statements_of(file: Path) -> Iterator[Quad]:
    """Yield the statements of a file of terms; raise ReleaseError where it cannot be read."""
    remedy = "run `kg build` to make the release again"
    try:
        yield from parse(path=str(file), format=RdfFormat.TURTLE)
    except SyntaxError as error:
        raise ReleaseError(
            Problem(f"no valid {RdfFormat.TURTLE.name}: {error.msg}", remedy, file, error.lineno)
        ) from error
    except OSError as error:
        raise ReleaseError(Problem(f"cannot be read: {error}", remedy, file)) from error


def prefixed(iri: str) -> str:
    """Return an IRI as a prefixed name where it has a known prefix."""
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri.removeprefix(namespace)}"
    return iri


def preferred(texts: Mapping[str, str], lang: str) -> str:
    """Return the text in a language, or else in another: a name in a wrong language is better than none."""
    return texts.get(lang) or texts.get("ja") or texts.get("en") or next(iter(texts.values()), "")


def told(texts: Mapping[str, str], lang: str) -> tuple[str, str]:
    """Return the preferred text and the language that it is in; both are empty where there is none."""
    text = preferred(texts, lang)
    return text, next((language for language, each in texts.items() if each == text), "")


def is_web_address(iri: str) -> bool:
    """Whether a browser may be sent there: anything but http is text, since `javascript:` is an IRI as well."""
    return iri.lower().startswith(("http://", "https://"))
