"""What was laid by hand and is published with a release: words, shapes, names of standard terms, redirects."""

import shutil
from pathlib import Path

import pyoxigraph
import rdflib
from pyoxigraph import RdfFormat
from rdflib import RDFS

from kg.builder.pipeline import build
from kg.core.paths import project_folders
from kg.core.release import read_release

CHECKOUT = Path(__file__).resolve().parents[2]
OURS = "https://w3id.org/shisaku/"
REASON = "まとめた。,Merged.,2026-12-01"


def test_the_shapes_are_all_shapes(release: Path) -> None:
    """One file says what all files of shapes/ say, and a parser reads it as one document."""
    one = pyoxigraph.Dataset(pyoxigraph.parse(path=str(release / "shapes.ttl"), format=RdfFormat.TURTLE))
    every = pyoxigraph.Dataset()
    for file in sorted((CHECKOUT / "shapes").glob("*.ttl")):
        for quad in pyoxigraph.parse(path=str(file), format=RdfFormat.TURTLE):
            every.add(quad)
    for dataset in (one, every):
        dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)

    assert len(one) > 1000
    assert one == every


def test_ontology_and_alignments_are_published_as_they_are(release: Path) -> None:
    """Comments and order are part of them."""
    for name, source in (("ontology", "shisaku"), ("alignments", "alignments"), ("standard-terms", "standard-terms")):
        assert (release / f"{name}.ttl").read_bytes() == (CHECKOUT / "ontology" / f"{source}.ttl").read_bytes()


def test_every_term_in_use_has_a_name_in_both_languages(release: Path) -> None:
    """Each property and class of the graph has a name in ja and in en: ours by the ontology, others beside it."""
    graph = rdflib.Graph().parse(release / "graph.nt")
    used = {*graph.predicates(), *graph.objects(None, rdflib.RDF.type)}
    named = rdflib.Graph().parse(release / "ontology.ttl").parse(release / "standard-terms.ttl")

    for term in sorted(used):
        languages = sorted(getattr(label, "language", "") for label in named.objects(term, RDFS.label))
        assert languages == ["en", "ja"], term


def test_names_of_standard_terms_add_nothing(release: Path) -> None:
    """Labels only, of terms of others: each in both languages, and no definition of ours."""
    terms = rdflib.Graph().parse(release / "standard-terms.ttl")

    assert set(terms.predicates()) == {RDFS.label}
    for term in set(terms.subjects()):
        assert not str(term).startswith(OURS)
        assert sorted(label.language for label in terms.objects(term, RDFS.label)) == ["en", "ja"], term


def test_redirects_cross_over_in_the_manifest(small: Path, tmp_path: Path) -> None:
    """Each row of redirects.csv stands in the manifest as it was written, for the server to answer by."""
    recipe = Path(shutil.copytree(small, tmp_path / "build"))
    with (recipe / "redirects.csv").open("a", encoding="utf-8") as file:
        file.write(f"{OURS}id/organization/gone,410,,{REASON}\n")
    release = read_release(build(project_folders(recipe, tmp_path / "out")).release.folder)

    assert [(row["iri"], row["code"], row["target"], row["reason_en"]) for row in release.redirects] == [
        (f"{OURS}id/organization/gone", "410", "", "Merged.")
    ]
