"""Stored queries and their parameters: one query per file, with front matter in comments.

    #+ summary: Measures by lead organization
    #+ summary_ja: 主担当府省庁別の施策
    #+ description: How many measures each organization leads.
    #+ description_ja: …
    #+ tags: [measures, organizations]
    #+ parameters: [edition]

The format is that of grlc: flat `key: value` lines that are also YAML. Values that YAML would misread are quoted.

A parameter is a variable whose line `VALUES ?name { … }` can be replaced. Its value is an IRI, the path of one below
`id/`, a prefixed name, or only the last part of an IRI like the default; or a word, a day or a number if the default is
one. Unknown values are refused with a list of the known ones. The default edition is replaced by the newest one of the
graph (`EDITIONS_QUERY`).
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pyoxigraph import Literal, NamedNode, QuerySolutions, Store

from kg.core import sparql_scanner
from kg.core.errors import Problem, QueryError, RecipeError
from kg.core.iris import BASE, ID, ONTOLOGY, PREFIXES, served_query
from kg.core.paths import read_text

Term = NamedNode | Literal
_XSD = PREFIXES["xsd"]
_PREFIX = re.compile(r"^\s*(?:PREFIX|BASE)\b[^\n]*", re.MULTILINE | re.IGNORECASE)
_FORMS = {"date": re.compile(r"\d{4}-\d\d-\d\d"), "integer": re.compile(r"[+-]?\d{1,18}")}
_LISTED = 12  # names that a message lists


class ParameterError(ValueError):
    """Unknown parameter, or invalid value of one; the message lists the valid ones."""


@dataclass(frozen=True)
class Parameter:
    """Parameter of a stored query: its name, and its default terms."""

    name: str
    defaults: tuple[Term, ...]

    @property
    def kind(self) -> str:
        """Kind of the values: `thing`, or the local name of the datatype, such as `string`, `date` or `integer`."""
        first = self.defaults[0]
        return "thing" if isinstance(first, NamedNode) else first.datatype.value.removeprefix(_XSD)

    @property
    def folder(self) -> str:
        """IRI of the default without its last part; empty for a literal."""
        first = self.defaults[0]
        return re.sub(r"[^/#]*$", "", first.value) if isinstance(first, NamedNode) else ""

    @property
    def typed(self) -> bool:
        """True if a value must have the name of the parameter in its path."""
        return self.folder.startswith(ID) and self.folder.endswith(f"/{self.name}/")

    @property
    def examples(self) -> tuple[str, ...]:
        """Defaults in their shortest form for a URL."""
        return tuple(self.short(term.value) for term in self.defaults)

    def short(self, value: str) -> str:
        """Return the shortest form of a value."""
        if not self.folder:
            return value
        for start in (self.folder, ID):
            short = value.removeprefix(start)
            if short != value and (start == ID) == ("/" in short):
                return short
        return value

    def terms(self, text: str) -> list[Term]:
        """Parse a text of a URL into terms; raise ParameterError if it is invalid.

        There are several if the query has the same value as an IRI and as literals.
        """
        if self.kind != "thing":
            return [self._literal(text)]
        term = _resolve(text, self.folder)
        if term is None or (self.typed and f"/{self.name}/" not in term.value):
            raise ParameterError(f"{self.name}: {text[:80]} names no {self.name}; {self.form}")
        literals = dict.fromkeys(each.datatype for each in self.defaults if isinstance(each, Literal))
        return [term, *(Literal(term.value, datatype=datatype) for datatype in literals)]

    @property
    def form(self) -> str:
        """Description of valid values, with an example."""
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
        if form and not (form.fullmatch(text) and text.isascii() and _is_valid(text, first.datatype)):
            raise ParameterError(f"{self.name}: {text[:80]} is not a valid {self.kind}; {self.form}")
        return Literal(text, datatype=first.datatype)


def read_parameters(text: str, names: Iterable[str]) -> tuple[Parameter, ...]:
    """Return the parameters that a query declares; raise ParameterError if one has no line, or different ones."""
    prologue = "\n".join(_PREFIX.findall(text))
    return tuple(Parameter(name, _terms(name, prologue, text)) for name in names)


def values_line(variable: str) -> re.Pattern[str]:
    """Return the pattern of the VALUES lines of a variable."""
    return re.compile(rf"VALUES \?{variable} \{{[^{{}}]*\}}")


def fill_values(query: str, **about: Iterable[str | Term | int]) -> str:
    """Return a query with the terms in its VALUES lines; raise ValueError if one is not a term."""
    for variable, given in about.items():
        values = f"VALUES ?{variable} {{ {' '.join(map(_serialize, given))} }}"
        query = values_line(variable).sub(lambda _, line=values: line, query)  # type: ignore[misc]
    return query


def parse_values(parameters: Sequence[Parameter], pairs: Iterable[tuple[str, str]]) -> dict[str, list[Term]]:
    """Parse the parameters of a URL. Empty values, which a form sends, are ignored.

    IRIs can be given several times, or separated by commas; a date is given once, since it is a bound. Raises
    ParameterError for an unknown parameter or an invalid value.
    """
    registered, found = {parameter.name: parameter for parameter in parameters}, dict[str, list[Term]]()
    for name, value in pairs:
        parameter, text = registered.get(name), value.strip()
        if parameter is None:
            raise ParameterError(_unknown_parameter(name, parameters))
        if not text:
            continue
        several = parameter.kind == "thing" and ":" not in text
        parts = [part.strip() for part in text.split(",") if part.strip()] if several else [text]
        for part in parts or [text]:
            terms = parameter.terms(part)
            if parameter.kind == "date" and found.get(name, terms) != terms:
                raise ParameterError(f"{name}: it is given twice, with different days; give one")
            found[name] = list(dict.fromkeys([*found.get(name, ()), *terms]))
    return found


def iris_of_values(values: Mapping[str, Iterable[Term]]) -> dict[str, list[str]]:
    """Return the chosen values, by parameter, that are IRIs of this graph."""
    return {
        name: [term.value for term in terms if isinstance(term, NamedNode) and term.value.startswith((ID, ONTOLOGY))]
        for name, terms in values.items()
    }


def unknown_value_error(parameter: Parameter, iri: str, registered: Sequence[str]) -> ParameterError:
    """Return the error for an entity that is not in the graph; `registered` are the IRIs of similar ones."""
    shorts = sorted(parameter.short(each) for each in registered)
    given = parameter.short(iri)
    near = difflib.get_close_matches(given, shorts, 3, 0.5)
    listed = ", ".join(shorts[:_LISTED]) if len(shorts) <= _LISTED else ", ".join(near or shorts[:3]) + ", …"
    available = f"available are {listed} ({len(shorts)} in all)" if shorts else parameter.form
    return ParameterError(f"{parameter.name}: these data have no {given[:80]}; {available}")


def _terms(name: str, prologue: str, text: str) -> tuple[Term, ...]:
    lines = {" ".join(line.split()) for line in values_line(name).findall(text)}
    if len(lines) != 1:
        raise ParameterError(f"the parameter {name} has {len(lines)} different lines VALUES ?{name} {{ … }}")
    solutions = Store().query(f"{prologue}\nSELECT ?{name} {{ {lines.pop()} }}", base_iri=BASE)
    assert isinstance(solutions, QuerySolutions)
    found = tuple(term for row in solutions if isinstance(term := row[name], NamedNode | Literal))
    if not found:
        raise ParameterError(f"the parameter {name} has no value in its line")
    return found


def _resolve(text: str, folder: str) -> NamedNode | None:
    """Return the entity that a text names: by IRI, prefixed name, path below `id/`, or last part."""
    prefix, colon, local = text.partition(":")
    if colon and prefix in {**PREFIXES, "id": ID} and not local.startswith("//"):
        iri = {**PREFIXES, "id": ID}[prefix] + local
    elif colon:
        iri = text
    else:
        iri = (ID if "/" in text else folder) + text
    try:
        return NamedNode(iri)
    except ValueError:
        return None


def _serialize(term: str | Term | int) -> str:
    return str(NamedNode(term)) if isinstance(term, str) else str(term)


def _is_valid(text: str, datatype: NamedNode) -> bool:
    """True if a text is a valid value of a datatype (there is no 31st of February)."""
    query = f"ASK {{ FILTER(BOUND(?x)) BIND({datatype}({Literal(text)}) AS ?x) }}"
    return bool(Store().query(query))


def _unknown_parameter(name: str, parameters: Sequence[Parameter]) -> str:
    if not parameters:
        return f"{name[:80]} is not a parameter of this query, which has none"
    registered = ", ".join(f"{each.name} (such as {each.name}={each.examples[0]})" for each in parameters)
    return f"{name[:80]} is not a parameter of this query; available are {registered}"


SUFFIX = ".rq"
KEYS = ("summary", "summary_ja", "description", "description_ja", "tags")
PARAMETERS = "parameters"  # an optional key
EDITION = "edition"  # parameter whose default is the newest edition of the graph
# Newest first. The year of an edition is that of its plan; of two editions of a plan, the one that revises the other is
# newer.
EDITIONS_QUERY = f"""SELECT ?edition (MAX(?year) AS ?newest) (COUNT(DISTINCT ?before) AS ?later) {{
  ?edition a <{ONTOLOGY}Edition> .
  OPTIONAL {{ ?edition <{ONTOLOGY}plan> ?plan . BIND(STR(?plan) AS ?year) }}
  OPTIONAL {{ ?edition <{PREFIXES["prov"]}wasRevisionOf>+ ?before }}
}} GROUP BY ?edition ORDER BY DESC(?newest) DESC(?later) ?edition LIMIT 1000"""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LINE = re.compile(r"#\+ (?P<key>[a-z_]+): (?P<value>\S.*)")
# Replacement of endpoints while a query is only parsed.
_UNREACHABLE = "urn:x-shisaku:nowhere"
_ENGINE_LINE = re.compile(r"error at (\d+):")


@dataclass(frozen=True)
class StoredQuery:
    """Stored query: its name, its text and its descriptions in both languages."""

    name: str
    text: str
    summary: str
    summary_ja: str
    description: str
    description_ja: str
    tags: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()

    @property
    def question(self) -> str:
        """The text without its front matter."""
        return "".join(line for line in self.text.splitlines(keepends=True) if not line.startswith("#+")).strip() + "\n"

    def for_edition(self, edition: str) -> "StoredQuery":
        """Return the query with an edition as the default; unchanged if it has no parameter `edition`."""
        if not edition or all(parameter.name != EDITION for parameter in self.parameters):
            return self
        text = fill_values(self.text, edition=[edition])
        return replace(self, text=text, parameters=read_parameters(text, [each.name for each in self.parameters]))

    @property
    def calls_service(self) -> bool:
        """True if it calls SERVICE; its user replaces the endpoint before running it."""
        return sparql_scanner.calls_service(self.text)


def read_queries(folder: Path) -> tuple[StoredQuery, ...]:
    """Read all stored queries of a folder, by name; raise RecipeError with every problem of every file."""
    queries: list[StoredQuery] = []
    problems: list[Problem] = []
    for file in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            queries.append(read_query(file))
        except RecipeError as error:
            problems.extend(error.problems)
    if problems:
        raise RecipeError(*problems)
    return tuple(queries)


def read_query(file: Path) -> StoredQuery:
    """Read one stored query, with the IRIs of this process; raise RecipeError with every problem of the file."""
    try:
        text = read_text(file, RecipeError)
    except OSError as error:
        raise RecipeError(Problem(f"cannot be read: {error.strerror}", "put the file back", file)) from error
    values: dict[str, str] = {}
    problems = [*_name_problems(file), *_front_matter(file, text, values), *_syntax_problems(file, text)]
    for key in KEYS:
        if key not in values:
            problems.append(Problem(f"{key} is missing", f"add a line `#+ {key}: …` at the top", file, 1))
    if problems:
        raise RecipeError(*problems)
    tags, names, served = _listed(values.pop("tags")), _listed(values.pop(PARAMETERS, "")), served_query(text)
    try:
        parameters = read_parameters(served, names)
    except ParameterError as error:
        remedy = "write the same line `VALUES ?name { … }` wherever the parameter is used"
        raise RecipeError(Problem(str(error), remedy, file)) from error
    return StoredQuery(name=file.stem, text=served, tags=tags, parameters=parameters, **values)


def stored_query(folder: Path, name: str) -> StoredQuery:
    """Return the stored query of a name; raise QueryError, with similar names, if there is none."""
    available = sorted(file.stem for file in folder.glob(f"*{SUFFIX}"))
    if name not in available:
        near = difflib.get_close_matches(name, available) or available
        remedy = f"queries at hand: {', '.join(near)}" if near else f"put {name}{SUFFIX} into {folder}"
        raise QueryError(Problem(f"there is no stored query {name}", remedy))
    return read_query(folder / f"{name}{SUFFIX}")


def _listed(text: str) -> tuple[str, ...]:
    """Return the items of a list in YAML's flow style."""
    return tuple(item.strip() for item in text.strip("[]").split(",") if item.strip())


def _name_problems(file: Path) -> Iterator[Problem]:
    if not _NAME.fullmatch(file.stem):
        yield Problem("the name is not made of a-z, 0-9 and single hyphens", "name the file with the question", file)


def _front_matter(file: Path, text: str, values: dict[str, str]) -> Iterator[Problem]:
    """Fill `values` from the lines that begin with `#+` and yield the problems of these lines."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("#+"):
            continue
        match = _LINE.fullmatch(line.rstrip())
        if not match or match["key"] not in (*KEYS, PARAMETERS):
            registered = ", ".join((*KEYS, PARAMETERS))
            yield Problem(f"no front matter: {line}", f"write `#+ key: value` with one of {registered}", file, number)
        elif match["key"] in values:
            yield Problem(f"{match['key']} is repeated", "keep one of the two lines", file, number)
        else:
            value = match["value"]
            quoted = len(value) > 1 and value[0] == value[-1] == '"'
            values[match["key"]] = value[1:-1] if quoted else value
            if not quoted and (": " in value or " #" in value or value[0] in "\"'&*!|>%@`{"):
                yield Problem("YAML reads this value otherwise", 'put it between "double quotes"', file, number)


def _syntax_problems(file: Path, text: str) -> Iterator[Problem]:
    replacements = {
        target.strip("<>"): _UNREACHABLE for target in sparql_scanner.services(text) if target.startswith("<")
    }
    disconnected = sparql_scanner.with_services(text, replacements)
    if sparql_scanner.services(disconnected) - {f"<{_UNREACHABLE}>"}:
        fact = "SERVICE calls an endpoint that is not written in full"
        yield Problem(fact, "write its IRI between < and >, in which it is allowed", file)
        return
    try:
        with suppress(OSError):  # the engine tries to call SERVICE, which fails
            Store().query(disconnected)
    except SyntaxError as error:
        line = _ENGINE_LINE.match(str(error))
        yield Problem(f"invalid SPARQL: {error}", "correct the query", file, int(line[1]) if line else None)
