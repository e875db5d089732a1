"""The Reconciliation Service API 0.2 at /reconcile, asked as OpenRefine asks it."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from kg.core.release import Release
from kg.server.app import app
from kg.server.request_monitor import OperatorSettings

from ..support.sites import QUERIES
from .recon_schemas import check

MEASURE = "municipal-2019/measure/02-03"
TITLE = "オープンデータ・バイ・デザインの推進"
MIC = "organization/mic"
ID = "https://w3id.org/shisaku/id/"


@pytest.fixture(scope="module")
def manifest(real_site: httpx.Client) -> dict[str, Any]:
    """What the service says about itself."""
    return real_site.get("/reconcile").raise_for_status().json()


def ask(site: httpx.Client, path: str = "/reconcile", **queries: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Send a batch as OpenRefine does, in a form, and return the candidates of each query."""
    answer = site.post(path, data={"queries": json.dumps(queries)}).raise_for_status().json()
    check("reconciliation-result-batch", answer)
    assert [*answer] == [*queries]
    return {key: result["result"] for key, result in answer.items()}


def extend(site: httpx.Client, ids: list[str], *properties: dict[str, Any], path: str = "/reconcile") -> dict[str, Any]:
    """Ask for values of properties as OpenRefine does."""
    asked = json.dumps({"ids": ids, "properties": list(properties)})
    answer = site.post(path, data={"extend": asked}).raise_for_status().json()
    check("data-extension-response", answer)
    return dict(answer)


def refused(answer: httpx.Response, status: int) -> str:
    """Return what a refusal says: a problem document that every site may read."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    return str(answer.json()["detail"])


def test_the_manifest_names_every_service_and_each_answers(real_site: httpx.Client, manifest: dict[str, Any]) -> None:
    """The manifest is valid; the addresses in it are absolute and lead to this server as clients put them together."""
    check("manifest", manifest)
    assert (manifest["identifierSpace"], manifest["schemaSpace"]) == (ID, "https://w3id.org/shisaku/def#")
    assert {type["id"] for type in manifest["defaultTypes"]} >= {
        *("shisaku:Measure", "org:FormalOrganization", "shisaku:Law", "shisaku:BudgetProgramme"),
        *("schema:AdministrativeArea", "shisaku:NamedEntity", "shisaku:ReferenceDocument"),
    }
    for service in (*manifest["suggest"].values(), manifest["extend"]["propose_properties"]):
        address = service["service_url"] + service["service_path"]
        assert address.startswith(str(real_site.base_url))
        assert real_site.get(address, params={"prefix": "a", "type": ""}).status_code == 200
    for template in (manifest["view"]["url"], manifest["preview"]["url"]):
        for id in (MEASURE, quote(MEASURE, safe="")):  # OpenRefine leaves slashes, the specification escapes them
            page = real_site.get(template.replace("{{id}}", id), headers={"Accept": "text/html"}, follow_redirects=True)
            assert page.status_code == 200
            assert TITLE in page.text


def test_the_manifest_speaks_two_languages(real_site: httpx.Client, manifest: dict[str, Any]) -> None:
    """By Accept-Language, or by ?lang=, which then stands in the addresses too, but for that of property proposals.

    OpenRefine appends `?type=` to that one as it is.
    """
    english = real_site.get("/reconcile?lang=en").json()
    check("manifest", english)
    names = [{type["id"]: type["name"] for type in said["defaultTypes"]} for said in (manifest, english)]
    assert [each["org:FormalOrganization"] for each in names] == ["組織", "organization"]
    assert english["suggest"]["entity"]["service_path"].endswith("?lang=en")
    assert "?" not in english["extend"]["propose_properties"]["service_path"]
    browser = real_site.get("/reconcile", headers={"Accept-Language": "en-GB"})
    assert browser.json()["name"] == english["name"]
    assert "Accept-Language" in browser.headers["vary"]


def test_a_batch_is_answered_by_its_keys(real_site: httpx.Client) -> None:
    """Each query of a batch has its candidates under its own key, the best first, by POST and by GET alike."""
    queries = {
        "q0": {"query": TITLE, "type": "shisaku:Measure", "type_strict": "should"},
        "q1": {"query": "総務省", "type": "org:FormalOrganization", "type_strict": "should", "limit": 2},
        "鍵 &?": {"query": "沖縄県", "type": ["schema:AdministrativeArea"]},
        "empty": {"query": ""},
    }
    found = ask(real_site, **queries)
    best = {key: candidates[0]["id"] if candidates else "" for key, candidates in found.items()}
    assert best == {"q0": MEASURE, "q1": MIC, "鍵 &?": "place/okinawa", "empty": ""}
    assert all(candidates[0]["match"] for candidates in found.values() if candidates)
    assert len(found["q1"]) <= 2
    assert found["q0"][0]["type"] == [{"id": "shisaku:Measure", "name": "掲載施策"}]
    for candidates in found.values():
        scores = [candidate["score"] for candidate in candidates]
        assert scores == sorted(scores, reverse=True)
    by_get = real_site.get("/reconcile", params={"queries": json.dumps(queries)}).json()
    assert {key: answer["result"] for key, answer in by_get.items()} == found


def test_names_come_in_the_language_of_the_question(real_site: httpx.Client) -> None:
    """A Japanese name is answered by Japanese names, an English one by English ones, unless ?lang= says which."""
    english = {"query": "Ministry of Internal Affairs and Communications"}
    names = [
        ask(real_site, q={"query": "総務省"}),
        ask(real_site, q=english),
        ask(real_site, "/reconcile?lang=ja", q=english),
    ]
    assert [found["q"][0]["name"] for found in names] == ["総務省", english["query"], "総務省"]


@pytest.mark.parametrize("text", [MEASURE, ID + MEASURE])
def test_an_identifier_finds_its_thing(real_site: httpx.Client, text: str) -> None:
    """Who asks by identifier, or by the whole IRI, gets the thing itself and no other, in a suggestion first."""
    assert [(one["id"], one["match"]) for one in ask(real_site, q={"query": text})["q"]] == [(MEASURE, True)]
    suggested = real_site.get("/reconcile/suggest/entity", params={"prefix": text}).json()
    check("suggest-entities-response", suggested)
    assert suggested["result"][0]["id"] == MEASURE


def test_types_narrow_the_candidates(real_site: httpx.Client) -> None:
    """Candidates have one of the types that are given; all of them where type_strict says so. A scheme is a type."""
    either = ["shisaku:Law", "org:FormalOrganization"]
    both = ["skos:Concept", ID + "scheme/pillar"]
    found = ask(
        real_site,
        one={"query": "官民データ活用推進基本法", "type": either, "type_strict": "any"},
        all={"query": "官民データの容易な利用等", "type": both, "type_strict": "all"},
        none={"query": "総務省", "type": [*either, "shisaku:Measure"], "type_strict": "all"},
    )
    assert {type["id"] for one in found["one"] for type in one["type"]} <= {*either}
    assert found["one"][0]["id"] == "law/kanmin-data"
    assert found["all"][0]["id"] == "pillar/data-use"
    assert found["none"] == []


def test_properties_are_evidence(real_site: httpx.Client) -> None:
    """A value that agrees raises a score, by any name of the thing; one that contradicts lowers it and ends a match."""

    def with_lead(value: object) -> dict[str, Any]:
        evidence = [{"pid": "shisaku:leadOrganization", "v": value}]
        return {"query": TITLE, "type": "shisaku:Measure", "properties": evidence}

    found = ask(
        real_site,
        bare={"query": TITLE, "type": "shisaku:Measure"},
        right=with_lead("内閣官房"),
        matched=with_lead({"id": "organization/cas", "name": "内閣官房"}),
        one_of=with_lead(["農水省", "内閣官房"]),
        wrong=with_lead("農水省"),
    )
    first = {key: (candidates[0]["id"], candidates[0]["match"]) for key, candidates in found.items()}
    assert first == {
        **dict.fromkeys(("bare", "right", "matched", "one_of"), (MEASURE, True)),
        "wrong": (MEASURE, False),
    }
    assert found["right"][0]["score"] == 100.0
    assert found["wrong"][0]["score"] < found["right"][0]["score"] - 20
    features = {feature["id"]: feature["value"] for feature in found["right"][0]["features"]}
    assert features["shisaku:leadOrganization"] == 1.0


@pytest.mark.parametrize(
    ("property", "value"),
    [
        ("shisaku:leadOrganization", "(総)自治行政局"),
        ("shisaku:leadOrganization", ["企画政策課", "農水省"]),
        ("shisaku:leadOrganization", {"id": "organization/nobody", "name": ""}),
        ("shisaku:leadOrganization", {"id": "Q123", "name": "企画政策課"}),
        ("shisaku:measureNumber", "A-17"),
        ("dcterms:title", "なにも知られていない題名"),
        ("shisaku:lawNumber", "平成二十八年法律第百三号"),
    ],
)
def test_evidence_that_is_unknown_changes_nothing(real_site: httpx.Client, property: str, value: object) -> None:
    """What the graph knows nothing of, and what the candidate has no value for, neither lowers a score nor a match."""
    asked = {"query": "オープンデータ・バイ・デザイン推進", "type": "shisaku:Measure"}
    found = ask(real_site, bare=asked, clue={**asked, "properties": [{"pid": property, "v": value}]})
    first = {key: (results[0]["id"], results[0]["score"], results[0]["match"]) for key, results in found.items()}
    assert first["clue"] == first["bare"]
    assert property not in [feature["id"] for feature in found["clue"][0]["features"]]


def test_evidence_that_is_null_is_none(real_site: httpx.Client) -> None:
    """An empty cell that a client sends as null, alone or among others, changes nothing and fails no query."""
    asked = {"query": TITLE, "type": "shisaku:Measure"}
    clues = [{"pid": "shisaku:leadOrganization", "v": value} for value in (None, [None], "", [])]
    found = ask(real_site, bare=asked, clue={**asked, "properties": clues})

    assert found["clue"] == found["bare"]


@pytest.mark.parametrize(
    ("property", "value"),
    [("shisaku:measureNumber", "01-05"), ("shisaku:rowNumber", 9999), ("shisaku:leadOrganization", "Digital Agency")],
)
def test_evidence_that_is_known_of_others_contradicts(real_site: httpx.Client, property: str, value: object) -> None:
    """A number, a text or a thing that the graph knows and the candidate does not have lowers its score."""
    clue = [{"pid": property, "v": value}]
    found = ask(real_site, q={"query": TITLE, "type": "shisaku:Measure", "properties": clue})
    assert (found["q"][0]["score"], found["q"][0]["match"]) == (75.0, False)


def test_an_organization_in_any_role_is_evidence(real_site: httpx.Client) -> None:
    """Who cannot tell the lead from the others gives the property any-role, which is suggested, judged and extended."""
    measure, lead = "municipal-2019/measure/01-05", {"id": "shisaku:leadOrganization"}
    there = extend(real_site, [measure], {"id": "any-role"}, lead)["rows"][measure]
    assert {value["id"] for value in there["shisaku:leadOrganization"]} < {value["id"] for value in there["any-role"]}
    name = ask(real_site, q={"query": measure})["q"][0]["name"]
    for value in there["any-role"]:
        clue = [{"pid": "Any role", "v": value["name"]}]
        best = ask(real_site, q={"query": name, "type": "shisaku:Measure", "properties": clue})["q"][0]
        assert (best["score"], best["match"]) == (100.0, True)
    wrong = [{"pid": "any-role", "v": "沖縄県"}, {"pid": "any-role", "v": "農水省"}]
    assert not ask(real_site, q={"query": name, "type": "shisaku:Measure", "properties": wrong[1:]})["q"][0]["match"]
    assert ask(real_site, q={"query": name, "type": "shisaku:Measure", "properties": wrong[:1]})["q"][0]["match"]
    suggested = real_site.get("/reconcile/suggest/property", params={"prefix": "役割"}).json()["result"]
    assert "any-role" in [one["id"] for one in suggested]
    alone = {"type": "shisaku:Measure", "properties": [{"pid": "any-role", "v": there["any-role"][-1]["name"]}]}
    assert ask(real_site, q=alone)["q"][0]["score"] == 100.0


@pytest.mark.parametrize("type", ["Measure", "measure", "SHISAKU:measure", "掲載施策", "Formal-Organization", "組織"])
def test_types_and_properties_go_by_any_of_their_names(real_site: httpx.Client, type: str) -> None:
    """A type is named with its prefix or without, in any letter case, or by its label; a property as well."""
    query = TITLE if "org" not in type.casefold() and type != "組織" else "総務省"
    found = ask(real_site, q={"query": query, "type": type, "properties": [{"pid": "Pillar", "v": "x"}]})
    assert found["q"][0]["match"]
    assert real_site.get("/reconcile/suggest/entity", params={"prefix": query, "type": type}).json()["result"]


def test_a_query_that_cannot_be_understood_fails_alone(real_site: httpx.Client) -> None:
    """The others of its batch are answered; it has no candidates, and says why, with the nearest name."""
    queries = {
        "good": {"query": TITLE, "type": "shisaku:Measure"},
        "type": {"query": TITLE, "type": "shisaku:Mesure"},
        "property": {"query": TITLE, "properties": [{"pid": "leadOrganisation", "v": "総務省"}]},
        "limit": {"query": TITLE, "limit": -1},
    }
    answer = real_site.post("/reconcile", data={"queries": json.dumps(queries)}).raise_for_status().json()
    check("reconciliation-result-batch", answer)
    assert {key: len(said["result"]) > 0 for key, said in answer.items()} == {
        **dict.fromkeys(queries, False),
        "good": True,
    }
    assert "did you mean shisaku:Measure?" in answer["type"]["error"]
    assert "did you mean shisaku:leadOrganization?" in answer["property"]["error"]
    assert "queries.limit.limit" in answer["limit"]["error"]
    assert "error" not in answer["good"]


def test_a_slash_at_the_end_of_the_address_is_of_no_account(real_site: httpx.Client) -> None:
    """/reconcile/ is the service as well, and so is that of an edition: manifest, queries, preflight."""
    for path in ("/reconcile", "/reconcile/municipal-2019"):
        assert real_site.get(path + "/").json() == real_site.get(path).json()
        assert ask(real_site, path + "/", q={"query": "総務省"})["q"][0]["id"] == MIC
        assert real_site.options(path + "/", headers={"Origin": "http://x.example"}).status_code < 300


def test_properties_alone_find_things(real_site: httpx.Client) -> None:
    """A query without a name is answered with what has the properties; it matches where that is one thing only."""
    number = {"type": "shisaku:Measure", "properties": [{"pid": "shisaku:measureNumber", "v": "02-03"}]}
    several = {
        "type": "shisaku:Measure",
        "properties": [{"pid": "shisaku:leadOrganization", "v": "経産省"}],
        "limit": 3,
    }
    found = ask(real_site, number=number, several=several)
    assert [(one["id"], one["score"], one["match"]) for one in found["number"]] == [(MEASURE, 100.0, True)]
    assert [one["match"] for one in found["several"]] == [False] * 3


def test_an_edition_has_a_service_of_its_own(real_site: httpx.Client) -> None:
    """/reconcile/<edition> is a whole service; an edition that is not there is named with those that are."""
    manifest = real_site.get("/reconcile/municipal-2019").json()
    check("manifest", manifest)
    assert manifest["suggest"]["entity"]["service_url"].endswith("/reconcile/municipal-2019")
    found = ask(
        real_site, "/reconcile/municipal-2019", a={"query": TITLE, "type": "shisaku:Measure"}, b={"query": "総務省"}
    )
    assert [candidates[0]["id"] for candidates in found.values()] == [MEASURE, MIC]
    preview = manifest["preview"]["url"].replace("{{id}}", MEASURE)
    assert real_site.get(preview).status_code == 200
    assert "municipal-2019" in refused(real_site.get("/reconcile/nowhere-1"), 404)
    assert "municipal-2019" in refused(real_site.post("/reconcile/nowhere-1", data={"queries": "{}"}), 404)


def test_suggestions_while_typing(real_site: httpx.Client) -> None:
    """A part of a name suggests things, types and properties; a cursor leads on to the next, without repeating any."""
    seen: list[str] = []
    cursor = 0
    for _ in range(3):
        params = {"prefix": "データ", "cursor": cursor, "type": "shisaku:Measure"}
        answer = real_site.get("/reconcile/suggest/entity", params=params).json()
        check("suggest-entities-response", answer)
        seen += [one["id"] for one in answer["result"]]
        if "cursor" not in answer:
            break
        cursor = answer["cursor"]
    assert MEASURE in seen
    assert len({*seen}) == len(seen) > 20
    assert all(id.startswith("municipal-2019/measure/") for id in seen)
    for kind, prefix, expected in (
        ("type", "施策", "shisaku:Measure"),
        ("type", "law", "shisaku:Law"),
        ("property", "pillar", "shisaku:pillar"),
        ("property", "主担当", "shisaku:leadOrganization"),
    ):
        answer = real_site.get(f"/reconcile/suggest/{kind}", params={"prefix": prefix}).json()
        check(f"suggest-{'types' if kind == 'type' else 'properties'}-response", answer)
        assert expected in [one["id"] for one in answer["result"]]
    of_laws = real_site.get("/reconcile/suggest/property", params={"prefix": "", "type": "shisaku:Law"}).json()
    assert "shisaku:pillar" not in [one["id"] for one in of_laws["result"]]


def test_data_extension_gives_values(real_site: httpx.Client) -> None:
    """Values come as numbers, as texts in one language, or as things; what nobody knows has none."""
    answer = extend(
        real_site,
        [MEASURE, ID + MIC, "nobody/knows"],
        {"id": "dcterms:title"},
        {"id": "shisaku:rowNumber", "settings": {"limit": "1", "lang": "ja"}},
        {"id": "shisaku:leadOrganization"},
        {"id": "org:identifier", "settings": {}},
    )
    rows = answer["rows"]
    assert rows[MEASURE]["dcterms:title"] == [{"str": TITLE}]
    assert [*rows[MEASURE]["shisaku:rowNumber"][0]] == ["int"]
    assert rows[MEASURE]["shisaku:leadOrganization"] == [{"id": "organization/cas", "name": "内閣官房"}]
    assert rows[ID + MIC]["org:identifier"] == [{"str": "2000012020001"}]
    assert rows["nobody/knows"] == {meta["id"]: [] for meta in answer["meta"]}
    assert answer["meta"][2]["type"]["id"] == "org:FormalOrganization"


def test_settings_of_a_data_extension(real_site: httpx.Client) -> None:
    """A limit gives so many values and no more; a language the texts in it, `all` those in both."""
    ids = ["municipal-2019/measure/08-03"]
    everything = extend(real_site, ids, {"id": "shisaku:kpi"}, {"id": "dcterms:title", "settings": {"lang": "all"}})
    assert len(everything["rows"][ids[0]]["dcterms:title"]) == 2
    kpis = everything["rows"][ids[0]]["shisaku:kpi"]
    assert len(kpis) > 1
    one = extend(
        real_site,
        ids,
        {"id": "shisaku:kpi", "settings": {"limit": 1}},
        {"id": "dcterms:title", "settings": {"lang": "en"}},
    )
    assert one["rows"][ids[0]]["shisaku:kpi"] == kpis[:1]
    assert one["rows"][ids[0]]["dcterms:title"] == [{"str": "Promoting ICT smart cities based on data use"}]


def test_properties_are_proposed_for_a_type(real_site: httpx.Client) -> None:
    """The properties that things of a type have, up to a limit; without a type, those of all things."""
    laws = real_site.get("/reconcile/properties?type=shisaku:Law").json()
    check("data-extension-property-proposal", laws)
    assert "shisaku:lawNumber" in [one["id"] for one in laws["properties"]]
    assert laws["type"] == "shisaku:Law"
    two = real_site.get("/reconcile/properties?type=shisaku:Law&limit=2").json()
    check("data-extension-property-proposal", two)
    assert (two["properties"], two["limit"]) == (laws["properties"][:2], 2)
    any_type = real_site.get("/reconcile/properties?type=").json()
    assert len(any_type["properties"]) > len(laws["properties"])


def test_a_preview_may_be_framed_and_runs_nothing(real_site: httpx.Client) -> None:
    """The preview may be framed by every site, and alone of all pages; it holds no script and may load none."""
    answer = real_site.get("/reconcile/preview", params={"id": MEASURE})
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors *" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "<script" not in answer.text
    assert 'target="_blank" rel="noopener"' in answer.text
    assert "frame-ancestors 'none'" in real_site.get("/").headers["content-security-policy"]
    assert "nobody" in refused(real_site.get("/reconcile/preview", params={"id": "nobody"}), 404)
    assert "?id=" in refused(real_site.get("/reconcile/preview"), 400)


def test_an_address_that_the_operator_gives_stands_in_what_needs_one(
    real: Release, start: Callable[[FastAPI], AbstractContextManager[httpx.Client]]
) -> None:
    """Behind a proxy the manifest, and the service description in N-Triples, name the public address of the site."""
    address = "https://data.example.org/graph/"
    with start(app(real, QUERIES, real.folder.parents[1], operation=OperatorSettings(address=address))) as site:
        manifest = site.get("/reconcile", headers={"Host": "evil.example"}).json()
        description = site.get("/sparql", headers={"Accept": "application/n-triples"}).text
    check("manifest", manifest)
    assert manifest["view"]["url"] == address + "id/{{id}}"
    assert manifest["suggest"]["type"]["service_url"] == address + "reconcile"
    assert "evil" not in json.dumps(manifest)
    assert f"<{address}sparql>" in description


def test_a_hostile_name_stays_text(site: httpx.Client) -> None:
    """A name that holds markup is shown as its characters in a preview."""
    page = site.get("/reconcile/preview", params={"id": "municipal-2019/measure/01-06"}).text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("queries", "words"),
    [
        ("", "not valid JSON"),
        ("[1]", "JSON object"),
        ('{"a": "x"}', "queries.a"),
        ('{"a": {}}', "neither a query nor properties"),
        ('{"a": {"query": 1}}', "queries.a.query"),
        ('{"a": {"query": "' + "x" * 1001 + '"}}', "1000 characters"),
        ('{"a": {"query": "x", "limit": -1}}', "limit"),
        ('{"a": {"query": "x", "limit": NaN}}', "is not a number"),
        ('{"a": {"query": "x", "type": "shisaku:Nothing"}}', "shisaku:Measure"),
        ('{"a": {"query": "x", "type_strict": "maybe"}}', "any, should, all"),
        ('{"a": {"query": "x", "properties": [{"pid": "shisaku:nothing", "v": "y"}]}}', "no property shisaku:nothing"),
        ('{"a": {"query": "x", "properties": [{"pid": "shisaku:pillar"}]}}', "pid and v"),
        ('{"a": {"query": "x", "properties": [{"pid": "shisaku:pillar", "v": [[]]}]}}', "shisaku:pillar"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_what_cannot_be_understood_is_said(real_site: httpx.Client, queries: str, words: str) -> None:
    """A batch of which no query can be understood is refused, with the place and what would be right."""
    assert words in refused(real_site.post("/reconcile", data={"queries": queries}), 400)


@pytest.mark.parametrize(
    ("extension", "words"),
    [
        ({"ids": "x", "properties": []}, "ids"),
        ({"ids": ["x"], "properties": [{"id": "shisaku:nothing"}]}, "no property shisaku:nothing"),
        ({"ids": ["x"], "properties": [{"id": "dcterms:title", "settings": {"limit": "many"}}]}, "limit"),
        ({"ids": ["x"], "properties": [{"id": "dcterms:title", "settings": {"lang": "fr"}}]}, "ja, en or all"),
        ({"ids": ["x"], "properties": [{"id": "dcterms:title"}, {"id": "dcterms:title"}]}, "twice"),
    ],
)
def test_a_data_extension_that_is_wrong_is_refused(
    real_site: httpx.Client, extension: dict[str, Any], words: str
) -> None:
    """The refusal names the member that is wrong."""
    assert words in refused(real_site.post("/reconcile", data={"extend": json.dumps(extension)}), 400)


def test_what_is_too_much_is_refused(real_site: httpx.Client, manifest: dict[str, Any]) -> None:
    """More queries than the manifest's batchSize, more things than may be asked for, a form that is too long: 413."""
    batch = {str(number): {"query": "総務省"} for number in range(manifest["batchSize"] + 1)}
    assert "100" in refused(real_site.post("/reconcile", data={"queries": json.dumps(batch)}), 413)
    things = json.dumps({"ids": ["x"] * 1001, "properties": []})
    assert "1000" in refused(real_site.post("/reconcile", data={"extend": things}), 413)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert "a batch" in refused(real_site.post("/reconcile", content=b"x" * (3 << 20), headers=headers), 413)
    capped = ask(real_site, q={"query": "データ", "limit": 100_000})
    assert 0 < len(capped["q"]) <= 100


def test_methods_forms_and_jsonp(real_site: httpx.Client) -> None:
    """Forms only, by POST; JSONP is refused with the reason; every site may ask, also by a preflight."""
    assert "form-urlencoded" in refused(real_site.post("/reconcile", json={"queries": {}}), 415)
    assert "neither" not in refused(real_site.post("/reconcile", data={"other": "x"}), 400)
    assert "CORS" in refused(real_site.get("/reconcile", params={"callback": "jQuery1"}), 400)
    assert "queries" in refused(real_site.get("/reconcile", params={"query": "総務省"}), 400)
    preflight = real_site.options("/reconcile", headers={"Origin": "http://x.example"})
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "POST" in real_site.put("/reconcile").headers["allow"]
    assert "POST" not in real_site.put("/reconcile/preview").headers["allow"]
    assert real_site.head("/reconcile").status_code == 200
    for path in ("/reconcile", "/reconcile/suggest/type?prefix=a", "/reconcile/properties?type="):
        assert real_site.get(path).headers["access-control-allow-origin"] == "*"


def test_the_api_is_described(real_site: httpx.Client) -> None:
    """/openapi.json tells of the service, once for all editions; the metrics count its requests by one path."""
    paths = real_site.get("/openapi.json").json()["paths"]
    ours = {path for path in paths if path.startswith("/reconcile")}
    assert ours >= {"/reconcile", "/reconcile/suggest/entity", "/reconcile/properties", "/reconcile/preview"}
    assert {*paths["/reconcile"]} == {"get", "post"}
    assert 'path="/reconcile"' in real_site.get("/metrics").text or "/reconcile" in real_site.get("/metrics").text
