"""Each stored query gives what a person finds by hand in the tiny graph, in two engines."""

import csv
import dataclasses
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest
import rdflib
from rdflib.plugins.sparql import prepareQuery
from rdflib.plugins.sparql.sparql import Query
from rdflib.query import Result

from kg.core.paths import project_folders
from kg.core.stored_queries import KEYS, PARAMETERS, read_queries, read_query, stored_query

HERE = Path(__file__).parent
QUERIES = project_folders().queries
EXPECTED = HERE / "expected"
NAMES = sorted(file.stem for file in QUERIES.glob("*.rq"))
# Everything that the search index is made of: of all editions and in all languages, and read row by row, in no order.
EVERYTHING = ("search-facets", "search-texts", "search-types")
CONSTRUCTS = sorted(file.stem for file in EXPECTED.glob("*.nt"))
QUESTIONS = [name for name in NAMES if name not in (*CONSTRUCTS, *EVERYTHING)]
ID = "https://w3id.org/shisaku/id/"
# Tables of which some fields hold a set: values joined by a vertical bar, in any order.
SETS = {"measures-in-a-table"}

NAMING = (
    "http://purl.org/dc/terms/description",
    "http://purl.org/dc/terms/title",
    "http://www.w3.org/2000/01/rdf-schema#label",
    "http://www.w3.org/2004/02/skos/core#altLabel",
    "http://www.w3.org/2004/02/skos/core#prefLabel",
    "https://w3id.org/shisaku/def#overview",
    "https://w3id.org/shisaku/def#reason",
)

Table = list[list[str]]

# rdflib uses its own deprecated names wherever a dataset is read or asked
pytestmark = pytest.mark.filterwarnings("ignore:.* is deprecated, use Dataset:DeprecationWarning")


@pytest.fixture(scope="module")
def store() -> ox.Store:
    """The tiny graph in pyoxigraph."""
    store = ox.Store()
    store.load(path=HERE / "tiny.ttl", format=ox.RdfFormat.TURTLE)
    return store


@pytest.fixture(scope="module")
def graph() -> rdflib.Dataset:
    """The tiny graph in rdflib; beside it there may be others with names."""
    dataset = rdflib.Dataset(default_union=False)
    dataset.default_graph.parse(HERE / "tiny.ttl")
    return dataset


@pytest.fixture(autouse=True, scope="module")
def second_data(store: ox.Store, graph: rdflib.Dataset) -> None:
    """Lay beside the tiny graph what a second endpoint would hold, for queries that ask one (`text`), and a report."""
    store.load(path=HERE / "statistics.ttl", format=ox.RdfFormat.TURTLE)
    store.load(path=HERE / "validation.trig", format=ox.RdfFormat.TRIG)
    graph.default_graph.parse(HERE / "statistics.ttl")
    graph.parse(data=(HERE / "validation.trig").read_text(encoding="utf-8"), format="trig")


def text(name: str) -> str:
    """Return the text of a stored query; what it asks of a second endpoint is asked of the data at hand instead."""
    return re.sub(r"SERVICE <[^>]*>", "", (QUERIES / f"{name}.rq").read_text(encoding="utf-8"))


@cache
def prepared(name: str) -> Query:
    """Return a stored query as rdflib has read it, with no prefix but its own."""
    return prepareQuery(text(name))


def expected(name: str) -> Table:
    """Return the table that is expected of a query, its header first."""
    with (EXPECTED / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def select(store: ox.Store, query: str) -> ox.QuerySolutions:
    """Return the rows that pyoxigraph answers."""
    results = store.query(query)
    assert isinstance(results, ox.QuerySolutions)
    return results


def cell(term: object) -> str:
    """Write a term as the expected tables do: IRIs as in tiny.ttl, the words of literals, nothing where nothing is."""
    if term is None:
        return ""
    value = str(getattr(term, "value", term) if isinstance(term, ox.NamedNode | ox.Literal) else term)
    return f"<{value.removeprefix(ID)}>" if isinstance(term, ox.NamedNode | rdflib.URIRef) else value


def in_order(name: str, table: Table) -> Table:
    """Return a table in one order: its rows where its query gives them none, and the sets in its fields."""
    if name in EVERYTHING:
        return sorted(table)
    if name not in SETS:
        return table
    return [["|".join(sorted(value.split("|"))) for value in row] for row in table]


def rows_of(results: ox.QuerySolutions) -> Table:
    """Return what pyoxigraph answers, as a table."""
    return [[variable.value for variable in results.variables], *([cell(term) for term in row] for row in results)]


def rows_of_rdflib(result: Result) -> Table:
    """Return what rdflib answers, as a table."""
    names = [str(name) for name in result.vars or ()]
    return [names, *([cell(row.get(name)) for name in result.vars or ()] for row in result.bindings)]


def lines(triples: Iterator[ox.Triple] | list[ox.Quad]) -> list[str]:
    """Return triples as sorted lines of N-Triples."""
    return sorted(f"{getattr(triple, 'triple', triple)} ." for triple in triples)


def test_each_query_has_an_expected_result_and_each_result_a_query() -> None:
    """A new question comes with its answer on the tiny graph, and an answer goes with its question."""
    results = [file for file in EXPECTED.iterdir() if file.suffix in {".csv", ".nt"}]

    assert sorted(file.stem for file in results) == NAMES
    assert len(results) == len(list(EXPECTED.iterdir()))
    assert len(NAMES) >= 28


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CONSTRUCTS])
def test_the_rows_are_those_found_by_hand(name: str, store: ox.Store, graph: rdflib.Dataset) -> None:
    """Both engines give the expected rows in the expected order, where the query gives one."""
    assert in_order(name, rows_of(select(store, text(name)))) == in_order(name, expected(name))
    assert in_order(name, rows_of_rdflib(graph.query(prepared(name)))) == in_order(name, expected(name))


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_the_triples_are_those_found_by_hand(name: str, store: ox.Store, graph: rdflib.Dataset) -> None:
    """Both engines construct the expected triples."""
    wanted = (EXPECTED / f"{name}.nt").read_text(encoding="utf-8").splitlines()
    results = store.query(text(name))
    constructed = graph.query(prepared(name)).serialize(format="nt")
    assert isinstance(results, ox.QueryTriples)
    assert constructed is not None

    assert wanted == sorted(wanted)
    assert lines(results) == wanted
    assert lines(list(ox.parse(constructed, format=ox.RdfFormat.N_TRIPLES))) == wanted


def test_the_offsets_of_the_tiny_graph_are_true(store: ox.Store) -> None:
    """The file at the head of tiny.ttl bears out every offset in it, so that provenance is shown on true data."""
    head = (HERE / "tiny.ttl").read_text(encoding="utf-8")
    printed = ["\t".join(cells.split()) for cells in re.findall(r"^#   line \d: (.*)", head, flags=re.MULTILINE)]
    document = " " * 90 + "\n".join([printed[0].ljust(9), *printed[1:]])
    spans = select(
        store,
        """
        PREFIX shisaku: <https://w3id.org/shisaku/def#>
        PREFIX dcterms: <http://purl.org/dc/terms/>
        SELECT ?start ?end ?words
        WHERE { ?thing shisaku:start ?start ; shisaku:end ?end ; shisaku:printedText|dcterms:description ?words }
        """,
    )
    found = [(int(start), int(end), words) for start, end, words in rows_of(spans)[1:]]

    assert len(found) == 29  # 15 cells, 8 KPIs, 6 targets
    assert [words for start, end, words in found if document[start:end] != words] == []


def test_another_edition_is_counted_nowhere(store: ox.Store) -> None:
    """The measure of the prefectural table shares pillar, lead, programme and document, and stands in no answer."""
    names = [name for name in QUESTIONS if name != "pages-for-search-engines"]  # which counts nothing
    answers = [value for name in names for row in rows_of(select(store, text(name))) for value in row]

    assert "<municipal-2019/measure/07-05>" in answers
    assert [value for value in answers if "prefectural-2019" in value or value == "県の防災計画"] == []


def test_names_in_a_further_language_change_no_answer(store: ox.Store) -> None:
    """Where everything has a name in French as well, every answer stays as it is: no row and no count doubles."""
    more = ox.Store()
    more.extend(store)
    for name in NAMING:
        for quad in store.quads_for_pattern(None, ox.NamedNode(name), None):
            more.add(ox.Quad(quad.subject, quad.predicate, ox.Literal("nom", language="fr")))
    answers = {name: select(more, text(name)) for name in QUESTIONS}

    assert len(more) > len(store)
    tables = {name: rows_of(rows) for name, rows in answers.items()}
    assert [name for name, rows in tables.items() if in_order(name, rows) != in_order(name, expected(name))] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_front_matter_is_complete_and_plain(name: str) -> None:
    """Each key stands once, in its order, at the head of the file, and YAML reads each value as it is written."""
    query = read_query(QUERIES / f"{name}.rq")
    head = [line for line in query.text.splitlines() if line.startswith("#+")]
    japanese = "".join(chr(code) for code in range(0x3041, 0x30FF))

    assert query.text.splitlines()[: len(head)] == head
    keys = [*KEYS, *([PARAMETERS] if query.parameters else [])]
    assert [line.removeprefix("#+ ").partition(":")[0] for line in head] == keys
    assert set(japanese) & set(query.summary_ja) and set(japanese) & set(query.description_ja)
    assert not set(japanese) & set(query.summary + query.description)
    assert query.description.endswith(".") and query.description_ja.endswith("。")
    assert not query.summary.endswith(".") and not query.summary_ja.endswith("。")
    assert query.tags


@pytest.mark.parametrize("name", NAMES)
def test_the_text_survives_copy_and_paste(name: str) -> None:
    """Each query declares every prefix that it uses, and no other; both engines read it without any of their own."""
    query = text(name)
    body = "\n".join(line for line in query.splitlines() if not line.startswith(("#", "PREFIX")))
    declared = [line.split()[1] for line in query.splitlines() if line.startswith("PREFIX")]
    prepared(name)
    ox.Store().query(query)

    assert [prefix for prefix in declared if prefix not in body] == []
    assert len(set(declared)) == len(declared)


@pytest.mark.parametrize("name", QUESTIONS)
def test_rows_come_in_an_order(name: str) -> None:
    """Each query says in which order its rows come: an answer is the same on another day and in another engine."""
    assert "\nORDER BY " in text(name)
    assert "GROUP_CONCAT" not in text(name) or name in SETS, "its order is any order"


def test_summaries_and_names_say_one_thing_each() -> None:
    """No two questions have one summary, in either language."""
    queries = read_queries(QUERIES)

    assert len({query.summary for query in queries}) == len(queries)
    assert len({query.summary_ja for query in queries}) == len(queries)


def test_typed_rows_have_the_variables_of_their_stored_query() -> None:
    """Each stored query that the program reads row by row has the variables that the fields of its row type name."""
    import kg.server.app  # noqa: F401 - the row types of all pages
    from kg.http.query_client import StoredRow

    row_types = StoredRow.__subclasses__()
    assert len(row_types) > 15
    for row_type in row_types:
        query = stored_query(QUERIES, row_type.query)
        variables = set(re.findall(r"\?(\w+)", query.text))
        missing = {field.name for field in dataclasses.fields(row_type)} - variables
        assert not missing, f"{row_type.__name__}: {row_type.query} has no {missing}"
