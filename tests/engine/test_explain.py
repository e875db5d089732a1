"""From any statement of the real release to the characters on the page, or to the curator's row."""

from collections import Counter
from pathlib import Path

import pyoxigraph
import pytest

from kg.core.release import Release
from kg.engine.provenance import ProvenanceExplainer, Reason

from ..support.commands import kg

CHECKOUT = Path(__file__).resolve().parents[2]
ID = "https://w3id.org/shisaku/id/"
DOCUMENT = CHECKOUT / "build" / "sources" / "municipal-2019" / "measures-2019.txt"
PREFIXES = """PREFIX shisaku: <https://w3id.org/shisaku/def#> PREFIX oa: <http://www.w3.org/ns/oa#>
PREFIX prov: <http://www.w3.org/ns/prov#> """


@pytest.fixture(scope="module")
def out(real: Release) -> Path:
    """The folder of a release made from this checkout."""
    return real.folder.parents[1]


@pytest.fixture(scope="module")
def store(out: Path) -> pyoxigraph.Store:
    """The graph of the release."""
    store = pyoxigraph.Store()
    store.load(path=str(out / "current" / "graph.ttl"), format=pyoxigraph.RdfFormat.TURTLE)
    return store


def test_every_triple_of_the_release_is_explained(store: pyoxigraph.Store) -> None:
    """Each statement leads to a printed place, a mention, a curated row or a rule; the places are true."""
    document = DOCUMENT.read_bytes().decode()
    explainer = ProvenanceExplainer(store)
    kinds: Counter[str] = Counter()

    for quad in store:
        reason = explainer.reason(quad)
        kinds[reason.kind] += 1
        assert reason.kind, quad
        for place in reason.places:
            assert document[place.start : place.end] == place.exact, quad
            assert place.exact in place.printed, quad

    assert set(kinds) == {"printed", "mentioned", "curated", "place", "rule"}
    assert kinds["rule"] < len(store) / 20


def test_a_curated_statement_names_the_line_of_its_file(store: pyoxigraph.Store) -> None:
    """The line that a curated statement names holds what it states."""
    explainer = ProvenanceExplainer(store)
    found = explainer.explain("id:organization/mic", "skos:prefLabel")

    for explanation in found:
        (file,) = explanation.reason.files
        name, line = file.split(":")
        assert explanation.value.value in (CHECKOUT / name).read_text(encoding="utf-8").splitlines()[int(line) - 1]
    assert len(found) == 2


def test_every_link_leads_to_its_rows(store: pyoxigraph.Store) -> None:
    """A published link leads to the row that gives it, or to the row of its rule and that of the identifier."""
    explainer = ProvenanceExplainer(store)
    rows = store.query(
        PREFIXES
        + """PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
            SELECT ?s ?p ?o { ?link a shisaku:Link ; rdf:subject ?s ; rdf:predicate ?p ; rdf:object ?o }"""
    )
    links = [tuple(term.value for term in row) for row in rows]
    for subject, predicate, value in links:
        (found,) = explainer.explain(subject, predicate, value)
        lines = {}
        for file in found.reason.files:  # the description of a source is a whole file
            name, _, line = file.partition(":")
            lines[name] = (CHECKOUT / name).read_text(encoding="utf-8").splitlines()[int(line or 1) - 1]
        given = [line for name, line in lines.items() if name.startswith("build/links/")]
        assert found.reason.kind == "curated"
        if given:
            assert len(lines) == 1
            assert subject.removeprefix(ID) in given[0]
        else:
            assert "build/link-rules.csv" in lines

    assert len(links) > 200


def test_a_link_by_rule_names_the_identifier(store: pyoxigraph.Store) -> None:
    """The link of a ministry by its corporate number leads to the rule and to the row with the number."""
    (found,) = ProvenanceExplainer(store).explain(
        "id:organization/mic", "skos:exactMatch", "https://jgkg.norr-tech.com/id/org/2000012020001"
    )
    lines = {name.split(":")[0]: int(name.split(":")[1]) for name in found.reason.files}
    row = (CHECKOUT / "build/organizations.csv").read_text(encoding="utf-8").splitlines()

    assert lines.keys() == {"build/link-rules.csv", "build/organizations.csv"}
    assert "2000012020001" in row[lines["build/organizations.csv"] - 1]


def test_what_an_era_says_of_a_period_comes_from_its_row(store: pyoxigraph.Store) -> None:
    """An era, its days, and how a period lies to it lead to the row of the era; a name to the calendar, too."""
    explainer = ProvenanceExplainer(store)
    rows = (CHECKOUT / "build" / "eras.csv").read_text(encoding="utf-8").splitlines()
    lines = {f"{ID}era/{row.split(',')[0]}": f"build/eras.csv:{number}" for number, row in enumerate(rows, 1)}
    near = {quad.object.value: quad.subject.value for quad in store if quad.subject.value in lines}
    checked = Counter[str]()

    for quad in store:
        for node in (quad.subject, quad.object):
            era = node.value if node.value in lines else near.get(node.value, "") if "/instant/" in node.value else ""
            if era:
                assert explainer.reason(quad) == Reason("curated", files=(lines[era],)), quad
                checked[era] += 1
    (label,) = explainer.explain("id:fiscal-year/2019", "rdfs:label", "令和元年度")

    assert set(checked) == {f"{ID}era/heisei", f"{ID}era/reiwa"}
    assert label.reason.kind == "rule"
    assert [file for file in label.reason.files if "eras.csv" in file] == [lines[f"{ID}era/reiwa"]]


def test_mentions_and_direct_properties_say_the_same(store: pyoxigraph.Store) -> None:
    """A measure has a shared thing as a property exactly where a mention in its row grounds it."""
    grounded = store.query(
        PREFIXES + "SELECT ?s ?p ?o { ?m shisaku:inMeasure ?s ; shisaku:asProperty ?p ; oa:hasBody ?o }"
    )
    by_mention = {tuple(term.value for term in row) for row in grounded}
    properties = {predicate for _, predicate, _ in by_mention}
    direct = {
        (quad.subject.value, quad.predicate.value, quad.object.value)
        for predicate in properties
        for quad in store.quads_for_pattern(None, pyoxigraph.NamedNode(predicate), None, None)
    }

    assert direct == by_mention
    assert {predicate.split("#")[1] for predicate in properties} == {
        "leadOrganization", "participatingOrganization", "organizationGroup",
        "budgetProgramme", "referenceDocument", "citesLaw",
        "mentionsEntity", "mentionsOrganization", "mentionsPlace",
    }  # fmt: skip


def test_a_mention_selects_the_words_that_it_quotes(store: pyoxigraph.Store) -> None:
    """The position selector of each mention, applied to the printed cell, gives the text of its quote selector."""
    selected = store.query(
        PREFIXES
        + """SELECT ?text ?start ?end ?exact { ?m oa:hasTarget ?t . ?t oa:hasSource/shisaku:printedText ?text ;
             oa:hasSelector/oa:exact ?exact ; oa:hasSelector ?p . ?p oa:start ?start ; oa:end ?end }"""
    )
    rows = [[term.value for term in row] for row in selected]

    assert len(rows) > 300
    for text, start, end, exact in rows:
        assert text[int(start) : int(end)] == exact


def test_explain_shows_cell_words_and_correction(out: Path) -> None:
    """`kg explain` prints page, line, cell and printed words, and names the correction that was applied."""
    result = kg("explain", "id:municipal-2019/measure/07-10", "shisaku:referenceDocument", "--out", out)

    assert result.exit_code == 0, result.output
    assert "page 7, line 86, cell 13" in result.stdout
    assert "20170530/suisinshosin.pdf" in result.stdout
    assert "id:correction/c0006" in result.stdout


def test_explain_says_when_there_is_no_such_statement(out: Path) -> None:
    """A statement that the release does not make ends with exit code 1 and a remedy."""
    result = kg("explain", "id:municipal-2019/measure/07-10", "shisaku:pillar", "id:pillar/other", "--out", out)

    assert result.exit_code == 1
    assert "does not state" in result.stderr
