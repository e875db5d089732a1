"""The stored queries: one question per file, with front matter in comments that every SPARQL engine ignores.

    #+ summary: Measures by lead organization
    #+ summary_ja: 主担当府省庁別の施策
    #+ description: How many measures each organization leads.
    #+ description_ja: …
    #+ tags: [measures, organizations]
    #+ parameters: [edition]

The form is grlc's: flat `key: value` lines that are also YAML. A value that YAML would read otherwise stands in quotes.
Parameters are the variables whose lines `VALUES ?name { … }` can be replaced (`kg.core.query_parameters`). The edition
that stands in such a line is replaced by the newest one of the graph that is asked (`EDITIONS`).
"""

import difflib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pyoxigraph import Store

from kg.core import sparql_scanner
from kg.core.errors import Problem, QueryError, RecipeError
from kg.core.iris import ONTOLOGY, PREFIXES
from kg.core.query_parameters import Parameter, ParameterError, filled, read_parameters
from kg.core.rebase import served_query
from kg.core.text_files import read_text

SUFFIX = ".rq"
KEYS = ("summary", "summary_ja", "description", "description_ja", "tags")
PARAMETERS = "parameters"  # a key that only some queries have
EDITION = "edition"  # the parameter that is about the newest edition of the graph that answers, unless one is chosen
# The newest first. An edition is of the year of its plan; of two of one plan, the one that revises the other is newer.
EDITIONS = f"""SELECT ?edition (MAX(?year) AS ?newest) (COUNT(DISTINCT ?before) AS ?later) {{
  ?edition a <{ONTOLOGY}Edition> .
  OPTIONAL {{ ?edition <{ONTOLOGY}plan> ?plan . BIND(STR(?plan) AS ?year) }}
  OPTIONAL {{ ?edition <{PREFIXES["prov"]}wasRevisionOf>+ ?before }}
}} GROUP BY ?edition ORDER BY DESC(?newest) DESC(?later) ?edition LIMIT 1000"""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LINE = re.compile(r"#\+ (?P<key>[a-z_]+): (?P<value>\S.*)")
# In place of an endpoint while a query is only read: an engine that calls it reaches nobody.
_NOWHERE = "urn:x-shisaku:nowhere"
_ENGINE_LINE = re.compile(r"error at (\d+):")


@dataclass(frozen=True)
class StoredQuery:
    """A question that is asked often: its name, its text and what it says in both languages."""

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

    def about(self, edition: str) -> "StoredQuery":
        """Return the query as it is about an edition by default; the same where it is about none."""
        if not edition or all(parameter.name != EDITION for parameter in self.parameters):
            return self
        text = filled(self.text, edition=[edition])
        return replace(self, text=text, parameters=read_parameters(text, [each.name for each in self.parameters]))

    @property
    def asks_others(self) -> bool:
        """Whether it calls SERVICE: its reader is to put an address into it before it can be answered."""
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
    """Read one stored query, in the names of this process; raise RecipeError with every problem of the file."""
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
        remedy = "write the same line `VALUES ?name { … }` wherever the parameter stands"
        raise RecipeError(Problem(str(error), remedy, file)) from error
    return StoredQuery(name=file.stem, text=served, tags=tags, parameters=parameters, **values)


def stored_query(folder: Path, name: str) -> StoredQuery:
    """Return the stored query of a name; raise QueryError with the nearest names where there is none."""
    there = sorted(file.stem for file in folder.glob(f"*{SUFFIX}"))
    if name not in there:
        near = difflib.get_close_matches(name, there) or there
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
    """Fill `values` from the lines that begin with `#+` and yield what is wrong with them."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("#+"):
            continue
        match = _LINE.fullmatch(line.rstrip())
        if not match or match["key"] not in (*KEYS, PARAMETERS):
            known = ", ".join((*KEYS, PARAMETERS))
            yield Problem(f"no front matter: {line}", f"write `#+ key: value` with one of {known}", file, number)
        elif match["key"] in values:
            yield Problem(f"{match['key']} stands here a second time", "keep one of the two lines", file, number)
        else:
            value = match["value"]
            quoted = len(value) > 1 and value[0] == value[-1] == '"'
            values[match["key"]] = value[1:-1] if quoted else value
            if not quoted and (": " in value or " #" in value or value[0] in "\"'&*!|>%@`{"):
                yield Problem("YAML reads this value otherwise", 'put it between "double quotes"', file, number)


def _syntax_problems(file: Path, text: str) -> Iterator[Problem]:
    called = {target.strip("<>"): _NOWHERE for target in sparql_scanner.services(text) if target.startswith("<")}
    nowhere = sparql_scanner.with_services(text, called)
    if sparql_scanner.services(nowhere) - {f"<{_NOWHERE}>"}:
        fact = "SERVICE calls an endpoint that is not written in full"
        yield Problem(fact, "write its IRI between < and >, in which it is allowed", file)
        return
    try:
        with suppress(OSError):  # what the engine tries here is to call SERVICE, which leads nowhere
            Store().query(nowhere)
    except SyntaxError as error:
        line = _ENGINE_LINE.match(str(error))
        yield Problem(f"no valid SPARQL: {error}", "mend the query", file, int(line[1]) if line else None)
