"""Links to other data: what was seen is stated, what was computed or rejected is stated nowhere, mistakes are told."""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pyoxigraph
import pytest
import rdflib
from rdflib.namespace import DCTERMS, OWL, RDF, SKOS, VOID

from ..support.cases import sampled
from ..support.curation import CHECKOUT, kg, table
from ..support.recipes import short_recipe

Edit = Callable[[str, str, str], None]
ID = "https://w3id.org/shisaku/id/"
SHISAKU = rdflib.Namespace("https://w3id.org/shisaku/def#")
PREFIXES = {
    "skos": str(SKOS),
    "owl": str(OWL),
    "dcterms": str(DCTERMS),
    "schema": "http://schema.org/",
    "foaf": "http://xmlns.com/foaf/0.1/",
}
LISTS = sorted((CHECKOUT / "build" / "links").glob("*.csv"))


def full(name: str) -> str:
    """Return the IRI of a prefixed name."""
    prefix, _, local = name.partition(":")
    return PREFIXES[prefix] + local


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A copy of the recipe with a short document that names what is linked here."""
    return short_recipe(tmp_path / "build", "国土交通省", "電子委任状")


def given(folder: Path) -> list[dict[str, str]]:
    """Return every row of a recipe's links."""
    rows = []
    for file in sorted((folder / "links").glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as opened:
            rows += [{**row, "target": file.stem} for row in csv.DictReader(opened)]
    return rows


def draft(recipe: Path, out: Path) -> tuple[rdflib.Graph, list[dict[str, str]]]:
    """Return graph and table of links that a recipe makes."""
    result = kg("build", "--draft", "--recipe", recipe, "--out", out)
    assert result.exit_code == 0, result.output
    return rdflib.Graph().parse(out / "draft" / "graph.ttl"), table(out / "draft", "links")


@pytest.fixture(scope="module")
def store(release: Path) -> pyoxigraph.Store:
    """The default graph of the release."""
    store = pyoxigraph.Store()
    store.load(path=str(release / "graph.nt"), format=pyoxigraph.RdfFormat.N_TRIPLES)
    return store


def stated(store: pyoxigraph.Store, row: dict[str, str]) -> bool:
    """Whether the graph states the link of a row of links.csv."""
    terms = (row["subject_id"], full(row["predicate_id"]), row["object_id"])
    return any(store.quads_for_pattern(*map(pyoxigraph.NamedNode, terms)))


def test_exactly_the_published_links_are_stated(release: Path, store: pyoxigraph.Store) -> None:
    """Each published link of links.csv is a statement of the graph; no candidate and no rejected one is."""
    rows = table(release, "links")
    counts = Counter(row["status"] for row in rows)

    assert {row["status"] for row in rows if stated(store, row)} == {"published"}
    assert all(stated(store, row) for row in rows if row["status"] == "published")
    assert counts["published"] > 200 and counts["unchecked"] > 100 and counts["rejected"] >= 1


def test_what_leads_out_of_the_graph_is_a_published_link(release: Path, store: pyoxigraph.Store) -> None:
    """No statement with a linking predicate stands without its row: nothing is linked by the way."""
    rows = {(row["subject_id"], row["predicate_id"], row["object_id"]) for row in table(release, "links")}
    for name in (
        "skos:exactMatch",
        "skos:closeMatch",
        "schema:sameAs",
        "schema:archivedAt",
        "foaf:homepage",
        "owl:sameAs",
    ):
        for quad in store.quads_for_pattern(None, pyoxigraph.NamedNode(full(name)), None):
            assert (quad.subject.value, name, quad.object.value) in rows


def test_only_what_was_seen_is_published(release: Path) -> None:
    """A row with the flag `computed`, or with the modifier Not, never becomes a published link."""
    found = {(row["subject_id"], row["predicate_id"], row["object_id"]): row for row in table(release, "links")}
    with (CHECKOUT / "build" / "link-targets.csv").open(encoding="utf-8", newline="") as file:
        spaces = {row["key"]: row["space"] for row in csv.DictReader(file)}
    checked = Counter[str]()
    for row in given(CHECKOUT / "build"):
        iri = row["object_id"].replace(f"{row['target']}:", spaces[row["target"]], 1)
        iri = quote(iri, safe=":/?=%")  # all IRIs of the graph are ASCII
        link = found.get((row["subject_id"].replace("id:", ID), row["predicate_id"], iri))
        if link:  # a thing that this release does not name has no link yet
            wanted = "rejected" if row["predicate_modifier"] else "published" if row["flag"] == "seen" else "unchecked"
            assert link["status"] == wanted, row
            checked[wanted] += 1

    assert set(checked) == {"published", "unchecked", "rejected"}


def test_each_target_has_a_linkset_with_its_count(release: Path, store: pyoxigraph.Store) -> None:
    """VoID tells for each target how many links there are, by which predicates, and in both languages how made."""
    void = rdflib.Graph().parse(release / "dataset.ttl")
    rows = [row for row in table(release, "links") if row["status"] == "published"]
    counts = Counter(row["target"] for row in rows)
    described = {}
    for linkset in void.subjects(RDF.type, VOID.Linkset):
        key = str(void.value(linkset, VOID.objectsTarget)).removeprefix(f"{ID}link-target/")
        described[key] = int(void.value(linkset, VOID.triples))
        predicates = {str(predicate) for predicate in void.objects(linkset, VOID.linkPredicate)}
        assert predicates == {full(row["predicate_id"]) for row in rows if row["target"] == key}
        assert {text.language for text in void.objects(linkset, DCTERMS.description)} == {"ja", "en"}
        assert (None, VOID.subset, linkset) in void

    assert described == counts


def test_a_corporate_number_gives_its_links_by_rule(recipe: Path, edit: Edit, tmp_path: Path) -> None:
    """Another right number in the code list leads, by the rules, to the same number elsewhere, and to no other."""
    edit("organizations.csv", "総務省,Ministry of Internal Affairs and Communications,MIC,,2000012020001",
         "総務省,Ministry of Internal Affairs and Communications,MIC,,7123456789012")  # fmt: skip
    graph, _ = draft(recipe, tmp_path / "out")
    objects = {str(value) for value in graph.objects(rdflib.URIRef(f"{ID}organization/mic"))}

    assert "https://jgkg.norr-tech.com/id/org/7123456789012" in objects
    assert "https://info.gbiz.go.jp/hojin/ichiran?hojinBango=7123456789012" in objects
    assert not [value for value in objects if "2000012020001" in value]


def test_a_candidate_is_published_once_it_was_seen_and_a_rule_yields_to_a_rejection(
    recipe: Path, edit: Edit, tmp_path: Path
) -> None:
    """`computed` changed to `seen` states the link; a row with Not takes away what a rule would state."""
    edit("links/egov.csv", "semapv:BackgroundKnowledgeBasedMatching,Shisaku Graph project,2026-11-23,0.8,computed",
         "semapv:ManualMappingCuration,A person,2026-11-23,1,seen")  # fmt: skip
    edit("links/gbizinfo.csv", "id:organization/gsi,国土地理院,schema:sameAs,Not,gbizinfo:2000012100001",
         "id:organization/mlit,国土交通省,schema:sameAs,Not,gbizinfo:2000012100001")  # fmt: skip
    graph, rows = draft(recipe, tmp_path / "out")
    law, ministry = rdflib.URIRef(f"{ID}law/denshi-ininjo"), rdflib.URIRef(f"{ID}organization/mlit")
    page = rdflib.URIRef("https://info.gbiz.go.jp/hojin/ichiran?hojinBango=2000012100001")
    refused = [row for row in rows if row["object_id"] == str(page)]

    assert rdflib.URIRef("https://laws.e-gov.go.jp/law/429AC0000000064") in set(graph.objects(law))
    assert page not in set(graph.objects(ministry))
    assert [row["status"] for row in refused] == ["rejected"]


@pytest.mark.parametrize(
    ("name", "old", "new", "fact"),
    sampled([
        ("organizations.csv", "2000012020001", "2000012020002", "corporate_number is '2000012020002'"),
        ("bodies.csv", "8000012010038", "800001201003", "with the right check digit"),
        ("places.csv", "470007,", "470008,", "area_code is '470008'; it must be a local-government code"),
        ("places.csv", "470007,1000020470007", "470007,2000012020001", "does not end in the local-government code"),
        ("links/isni.csv", "isni:0000000406430423", "isni:0000000406430424", "is not an ISNI of 16 characters"),
        ("links/wikidata.csv", "wikidata:Q6005", "https://ror.org/007f5s288", "is no IRI of wikidata"),
        ("links/wikidata.csv", "wikidata:Q6005", "wikidata:P6005", "is no IRI of wikidata"),
        ("links/wikidata.csv", "id:organization/cao", "id:organization/xxx", "is nothing of the code lists"),
        ("links/wikidata.csv", "0.9,seen", "0.9,memory", "flag is 'memory'; it must be one of seen, computed"),
        ("links/wikidata.csv", "owl:sameAs,Not", "skos:closeMatch,Not", "the same link stands in line"),
        ("links/ror.csv", "semapv:ManualMappingCuration", "semapv:Guessing", "is 'semapv:Guessing'"),
        ("link-targets.csv", "\nror,", "\nrors,", "ror is no key of link-targets.csv"),
        ("link-rules.csv", "organizations,corporate_number", "organizations,number", "number is no column of"),
        ("link-rules.csv", "org/{value}", "org/{number}", "cannot be filled"),
        ("link-rules.csv", "org/{value}", "ministry/{value}", "is no IRI of jgkg"),
        ("organization-changes.csv", "it-office,da", "it-bureau,da", "names 'it-bureau', which is no organization"),
        ("bodies.csv", "ipa,情報処理推進機構", "mic,情報処理推進機構", "mic is also a key of organizations.csv"),
        ("entities.csv", "sip4d,system,SIP4D", "sip4d,system,NICT", "'NICT' stands for"),
    ], 3),
)  # fmt: skip
def test_a_wrong_link_is_told(recipe: Path, edit: Edit, name: str, old: str, new: str, fact: str) -> None:
    """What cannot be right is found by `kg check` with file, line, fact and remedy."""
    edit(name, old, new)
    result = kg("check", "--recipe", recipe)

    assert result.exit_code == 1
    assert fact in result.stderr
    assert name.rpartition("/")[2].partition(".")[0] in result.stderr


def test_the_identifiers_of_the_recipe_are_right() -> None:
    """Every corporate number and area code of ours is checked: with its check digit changed, none passes."""
    from kg.recipe.schema import is_corporate_number, is_local_government_code

    checked = 0
    for name, column, check in (
        ("organizations", "corporate_number", is_corporate_number),
        ("bodies", "corporate_number", is_corporate_number),
        ("places", "corporate_number", is_corporate_number),
        ("places", "area_code", is_local_government_code),
    ):
        with (CHECKOUT / "build" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                number = row[column]
                at = -1 if column == "area_code" else 0
                others = [number[:-1] + digit if at else digit + number[1:] for digit in "0123456789"] if number else []
                assert [other for other in others if check(other)] == ([number] if number else [])
                checked += bool(number)

    assert checked >= 120
