"""The parameters of stored queries: what stands in their lines `VALUES ?name { … }` can be chosen in an address.

A query declares them in its front matter (`#+ parameters: [pillar, edition]`). A value is an IRI, its path below `id/`,
a prefixed name, or only the last part of a name like the one that stands there; a word, a day or a number where such a
term stands there. What is not understood is refused with what is known: a question is never answered by another one.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode, QuerySolutions, Store

from kg.core.iris import BASE, ID, ONTOLOGY, PREFIXES

Term = NamedNode | Literal
_XSD = PREFIXES["xsd"]
_PREFIX = re.compile(r"^\s*(?:PREFIX|BASE)\b[^\n]*", re.MULTILINE | re.IGNORECASE)
_FORMS = {"date": re.compile(r"\d{4}-\d\d-\d\d"), "integer": re.compile(r"[+-]?\d{1,18}")}
_LISTED = 12  # names that a message lists


class ParameterError(ValueError):
    """A parameter that a query does not have, or a value that fits none; the message says what is known."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a stored query: its name, and the terms that stand in the query."""

    name: str
    defaults: tuple[Term, ...]

    @property
    def kind(self) -> str:
        """What a value is: `thing`, or the local name of its datatype, such as `string`, `date` or `integer`."""
        first = self.defaults[0]
        return "thing" if isinstance(first, NamedNode) else first.datatype.value.removeprefix(_XSD)

    @property
    def folder(self) -> str:
        """What the IRI of a default begins with, up to its last part; empty for a literal."""
        first = self.defaults[0]
        return re.sub(r"[^/#]*$", "", first.value) if isinstance(first, NamedNode) else ""

    @property
    def typed(self) -> bool:
        """Whether only things of the kind that the name says fit: those with this name in their path."""
        return self.folder.startswith(ID) and self.folder.endswith(f"/{self.name}/")

    @property
    def examples(self) -> tuple[str, ...]:
        """The defaults as an address writes them, as short as they are understood."""
        return tuple(self.short(term.value) for term in self.defaults)

    def short(self, value: str) -> str:
        """Return a value as short as it is understood."""
        if not self.folder:
            return value
        for start in (self.folder, ID):
            rest = value.removeprefix(start)
            if rest != value and (start == ID) == ("/" in rest):
                return rest
        return value

    def terms(self, text: str) -> list[Term]:
        """Return the terms that a text of an address names; raise ParameterError where it names none.

        They are several where the same value stands in the query as an IRI and as literals.
        """
        if self.kind != "thing":
            return [self._literal(text)]
        term = _named(text, self.folder)
        if term is None or (self.typed and f"/{self.name}/" not in term.value):
            raise ParameterError(f"{self.name}: {text[:80]} names no {self.name}; {self.form}")
        literals = dict.fromkeys(each.datatype for each in self.defaults if isinstance(each, Literal))
        return [term, *(Literal(term.value, datatype=datatype) for datatype in literals)]

    @property
    def form(self) -> str:
        """What a value looks like, in words."""
        example = f"such as {self.name}={self.examples[0]}"
        return (
            f"a value is an IRI or a short name of one, {example}" if self.kind == "thing" else f"a value is {example}"
        )

    def _literal(self, text: str) -> Literal:
        first = self.defaults[0]
        assert isinstance(first, Literal)
        if first.language:
            return Literal(text, language=first.language)
        form = _FORMS.get(self.kind)
        if form and not (form.fullmatch(text) and text.isascii() and _holds(text, first.datatype)):
            raise ParameterError(f"{self.name}: {text[:80]} is no {self.kind}; {self.form}")
        return Literal(text, datatype=first.datatype)


def read_parameters(text: str, names: Iterable[str]) -> tuple[Parameter, ...]:
    """Return the parameters that a query declares; raise ParameterError where one has no line, or differing ones."""
    prologue = "\n".join(_PREFIX.findall(text))
    return tuple(Parameter(name, _terms(name, prologue, text)) for name in names)


def line_of(variable: str) -> re.Pattern[str]:
    """Return the pattern of the lines that hold the values of a variable."""
    return re.compile(rf"VALUES \?{variable} \{{[^{{}}]*\}}")


def filled(query: str, **about: Iterable[str | Term | int]) -> str:
    """Return a query with these terms in its lines; raise ValueError where one is no term."""
    for variable, given in about.items():
        values = f"VALUES ?{variable} {{ {' '.join(map(_written, given))} }}"
        query = line_of(variable).sub(lambda _, line=values: line, query)  # type: ignore[misc]
    return query


def chosen(parameters: Sequence[Parameter], pairs: Iterable[tuple[str, str]]) -> dict[str, list[Term]]:
    """Return what an address chooses, by parameter. Empty values, which a form sends, choose nothing.

    Things can be given several times, or with commas between them; a day is given once, since it bounds something.
    Raises ParameterError for what is not understood.
    """
    known, found = {parameter.name: parameter for parameter in parameters}, dict[str, list[Term]]()
    for name, value in pairs:
        parameter, text = known.get(name), value.strip()
        if parameter is None:
            raise ParameterError(_unknown(name, parameters))
        if not text:
            continue
        several = parameter.kind == "thing" and ":" not in text
        parts = [part.strip() for part in text.split(",") if part.strip()] if several else [text]
        for part in parts or [text]:
            terms = parameter.terms(part)
            if parameter.kind == "date" and found.get(name, terms) != terms:
                raise ParameterError(f"{name}: it stands there twice, with different days; give one")
            found[name] = list(dict.fromkeys([*found.get(name, ()), *terms]))
    return found


def things(values: Mapping[str, Iterable[Term]]) -> dict[str, list[str]]:
    """Return which of the chosen values this graph should say something about, by parameter: IRIs of its own names."""
    return {
        name: [term.value for term in terms if isinstance(term, NamedNode) and term.value.startswith((ID, ONTOLOGY))]
        for name, terms in values.items()
    }


def absent(parameter: Parameter, iri: str, known: Sequence[str]) -> ParameterError:
    """Return the error for a thing that is not in the graph; `known` are the IRIs of things like it."""
    shorts = sorted(parameter.short(each) for each in known)
    given = parameter.short(iri)
    near = difflib.get_close_matches(given, shorts, 3, 0.5)
    listed = ", ".join(shorts[:_LISTED]) if len(shorts) <= _LISTED else ", ".join(near or shorts[:3]) + ", …"
    there = f"known here are {listed} ({len(shorts)} in all)" if shorts else parameter.form
    return ParameterError(f"{parameter.name}: nothing in these data is called {given[:80]}; {there}")


def _terms(name: str, prologue: str, text: str) -> tuple[Term, ...]:
    lines = {" ".join(line.split()) for line in line_of(name).findall(text)}
    if len(lines) != 1:
        raise ParameterError(f"the parameter {name} has {len(lines)} different lines VALUES ?{name} {{ … }}")
    solutions = Store().query(f"{prologue}\nSELECT ?{name} {{ {lines.pop()} }}", base_iri=BASE)
    assert isinstance(solutions, QuerySolutions)
    found = tuple(term for row in solutions if isinstance(term := row[name], NamedNode | Literal))
    if not found:
        raise ParameterError(f"the parameter {name} has no value in its line")
    return found


def _named(text: str, folder: str) -> NamedNode | None:
    """Return the thing that a text names: by IRI, by a prefixed name, by its path below `id/`, or by its last part."""
    prefix, colon, rest = text.partition(":")
    if colon and prefix in {**PREFIXES, "id": ID} and not rest.startswith("//"):
        iri = {**PREFIXES, "id": ID}[prefix] + rest
    elif colon:
        iri = text
    else:
        iri = (ID if "/" in text else folder) + text
    try:
        return NamedNode(iri)
    except ValueError:
        return None


def _written(term: str | Term | int) -> str:
    return str(NamedNode(term)) if isinstance(term, str) else str(term)


def _holds(text: str, datatype: NamedNode) -> bool:
    """Whether a text is a value of a datatype: there is no 31st of February."""
    query = f"ASK {{ FILTER(BOUND(?x)) BIND({datatype}({Literal(text)}) AS ?x) }}"
    return bool(Store().query(query))


def _unknown(name: str, parameters: Sequence[Parameter]) -> str:
    if not parameters:
        return f"{name[:80]} is no parameter of this query: it has none"
    known = ", ".join(f"{each.name} (such as {each.name}={each.examples[0]})" for each in parameters)
    return f"{name[:80]} is no parameter of this query; known are {known}"
