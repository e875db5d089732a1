"""What says how to cite, and what finds the project: the same versions and terms everywhere."""

import json
import re
import tomllib
from pathlib import Path

import httpx
import jsonschema
from rdflib import DCAT, DCTERMS, FOAF, RDF, Graph, URIRef

from kg import __version__
from kg.core.iris import BASE
from kg.core.release import Release

ROOT = Path(__file__).parents[2]


def _listed(required: tuple[str, ...], **terms: object) -> dict[str, object]:
    """Return the schema of a list of objects that have these texts, and terms of these lists."""
    properties = {**{key: {"type": "string", "minLength": 1} for key in required}, **terms}
    return {
        "type": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {"type": "object", "required": list(required), "properties": properties},
    }


# DataCite Metadata Schema 4.6: what is mandatory (the DOI aside), and of what else there is, what is asked of it.
DATACITE = {
    "required": ["schemaVersion", "types", "creators", "titles", "publisher", "publicationYear"],
    "not": {"anyOf": [{"required": ["doi"]}, {"required": ["identifiers"]}]},
    "properties": {
        "schemaVersion": {"const": "http://datacite.org/schema/kernel-4"},
        "types": {"required": ["resourceTypeGeneral"], "properties": {"resourceTypeGeneral": {"const": "Dataset"}}},
        "creators": _listed(("name",), nameType={"enum": ["Organizational", "Personal"]}),
        "titles": _listed(("title",), titleType={"enum": ["AlternativeTitle", "Subtitle", "TranslatedTitle", "Other"]}),
        "publisher": {"type": "object", "required": ["name"]},
        "publicationYear": {"type": "string", "pattern": "^[0-9]{4}$"},
        "dates": _listed(("date", "dateType")),
        "subjects": _listed(("subject",)),
        "descriptions": _listed(("description", "descriptionType"), descriptionType={"const": "Abstract"}),
        "rightsList": _listed(("rights", "rightsUri")),
        "alternateIdentifiers": _listed(("alternateIdentifier", "alternateIdentifierType")),
        "relatedIdentifiers": _listed(
            ("relatedIdentifier", "relatedIdentifierType", "relationType"),
            relatedIdentifierType={"const": "URL"},
            relationType={"enum": ["IsDerivedFrom", "IsNewVersionOf"]},
        ),
    },
}


def test_the_citation_file_names_the_release_and_its_terms() -> None:
    """CITATION.cff has the version of the recipe and the licence of the data, and names the source."""
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    recipe = tomllib.loads((ROOT / "build/recipe.toml").read_text(encoding="utf-8"))
    values = dict(re.findall(r"^([a-z-]+): (.+)$", text, flags=re.MULTILINE))

    assert values["version"] == recipe["version"]
    assert (values["type"], values["license"], values["cff-version"]) == ("dataset", "CC-BY-4.0", "1.2.0")
    assert "市町村官民データ活用推進計画策定の手引" in text and BASE in text


def test_codemeta_describes_this_program() -> None:
    """codemeta.json has the version and the licence of the package."""
    described = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert described["version"] == __version__
    assert described["license"].endswith(project["license"])
    assert described["runtimePlatform"] == "Python " + project["requires-python"].removeprefix(">=") + " or later"


def test_a_model_that_reads_the_site_is_led_to_the_data(real_site: httpx.Client) -> None:
    """llms.txt has a title and a summary in Markdown (llmstxt.org), and each address in it answers."""
    text = real_site.get("/llms.txt").text
    paths = re.findall(r"\]\(([^)]+)\)", text)

    assert text.startswith("# Shisaku Graph") and "\n> " in text
    assert len(paths) > 8
    for path in paths:
        assert real_site.get(f"/{path}", follow_redirects=True).status_code == 200, path


def test_a_release_has_what_a_registry_of_dois_asks_for(real: Release, real_site: httpx.Client) -> None:
    """datacite.json has each mandatory property of DataCite 4.6 but the DOI, which nobody has given; linked."""
    record = json.loads((real.folder / "datacite.json").read_text(encoding="utf-8"))
    manifest = json.loads((real.folder / "manifest.json").read_text(encoding="utf-8"))
    jsonschema.validate(record, DATACITE)
    folder = f"{BASE}release/{real.version}/"
    derived = [one for one in record["relatedIdentifiers"] if one["relationType"] == "IsDerivedFrom"]

    assert record["version"] == manifest["version"] and record["publicationYear"] == manifest["issued"][:4]
    assert record["url"] == folder and "10." not in json.dumps(record["alternateIdentifiers"])
    assert [one["relatedIdentifier"] for one in derived] == [f"{BASE}id/edition/municipal-2019"]
    assert {one["rightsIdentifier"] for one in record["rightsList"]} == {"CC-BY-4.0"}

    link = '<datacite.json>; rel="describedby"; type="application/vnd.datacite.datacite+json"'
    assert link in real_site.get(f"/release/{real.version}/").headers["Link"]
    answer = real_site.get(f"/release/{real.version}/datacite.json")
    assert answer.headers["Content-Type"] == "application/vnd.datacite.datacite+json" and answer.json() == record


def test_the_catalogue_states_what_a_registry_of_dois_asks_for(real: Release) -> None:
    """Creator, title, publisher, year and kind of the dataset stand in dataset.ttl, by its IRI, as DCAT says them."""
    graph = Graph().parse(real.folder / "dataset.ttl", format="turtle")
    dataset = URIRef(f"{BASE}release/{real.version}/dataset.ttl#dataset")
    (creator,), (publisher,) = graph.objects(dataset, DCTERMS.creator), graph.objects(dataset, DCTERMS.publisher)

    assert creator == publisher and {name.language for name in graph.objects(creator, FOAF.name)} == {"ja", "en"}
    assert {title.language for title in graph.objects(dataset, DCTERMS.title)} == {"ja", "en"}
    assert str(graph.value(dataset, DCTERMS.issued)) == real.issued
    assert (dataset, RDF.type, DCAT.Dataset) in graph


def test_the_first_page_signposts_the_data(real_site: httpx.Client) -> None:
    """Its Link header leads to the name to cite, the terms, descriptions and files, which answer with their types."""
    links = real_site.head("/").headers["Link"]
    found = re.findall(r'<([^>]+)>; rel="([a-z-]+)"(?:; type="([^"]+)")?', links)
    files = [(target, type) for target, rel, type in found if rel in ("describedby", "item")]

    assert (BASE, "cite-as", "") in found
    assert {"cite-as", "type", "license", "describedby", "item"} == {rel for _, rel, _ in found}
    for target, type in files:
        answer = real_site.head(target.removeprefix("."))
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].partition(";")[0] == type.partition(";")[0]
