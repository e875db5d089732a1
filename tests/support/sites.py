"""A tiny release, written by hand in the model's terms, and real servers that answer over HTTP."""

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from kg.core.paths import project_folders
from kg.core.release import MANIFEST, Release, ReleasedFile, read_release
from kg.server.app import app

GRAPH = """\
@prefix shisaku: <https://w3id.org/shisaku/def#> .
@prefix id: <https://w3id.org/shisaku/id/> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix org: <http://www.w3.org/ns/org#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix schema: <http://schema.org/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

<https://w3id.org/shisaku/id/municipal-2019/measure/01-05> a shisaku:Measure ;
  dcterms:title "申請手続の電子化"@ja , "Digital applications"@en ;
  shisaku:measureNumber "01-05" ; shisaku:rowNumber 5 ; shisaku:pillar <https://w3id.org/shisaku/id/pillar/data-use> ;
  shisaku:leadOrganization <https://w3id.org/shisaku/id/organization/mic> ;
  shisaku:participatingOrganization <https://w3id.org/shisaku/id/organization/meti> ;
  shisaku:budgetProgramme <https://w3id.org/shisaku/id/budget/x-1> ;
  shisaku:referenceDocument <https://w3id.org/shisaku/id/document/x-1> ;
  shisaku:citesLaw <https://w3id.org/shisaku/id/law/x-1> ;
  shisaku:kpi <https://w3id.org/shisaku/id/municipal-2019/measure/01-05/kpi/progress-1> ,
    <https://w3id.org/shisaku/id/municipal-2019/measure/01-05/kpi/effect-1> .
<https://w3id.org/shisaku/id/municipal-2019/measure/01-06> a shisaku:Measure ;
  dcterms:title "<script>alert('施策')</script>"@ja , "Hostile title"@en ;
  shisaku:measureNumber "01-06" ; shisaku:rowNumber 6 ;
  shisaku:leadOrganization <https://w3id.org/shisaku/id/organization/mic> ;
  shisaku:budgetProgramme <https://w3id.org/shisaku/id/budget/x-1> .
<https://w3id.org/shisaku/id/municipal-2019/measure/01-05/kpi/progress-1> a shisaku:Kpi ;
  dcterms:description "電子化した手続の数"@ja ;
  shisaku:target <https://w3id.org/shisaku/id/municipal-2019/measure/01-05/kpi/progress-1/target-1> .
<https://w3id.org/shisaku/id/municipal-2019/measure/01-05/kpi/effect-1> a shisaku:Kpi ;
  dcterms:description "削減した時間"@ja ; shisaku:targetStatus <https://w3id.org/shisaku/id/target-status/none> .
<https://w3id.org/shisaku/id/municipal-2019/measure/01-05/kpi/progress-1/target-1> a shisaku:Target ;
  shisaku:printedText "令和2年度までに2,000社"@ja ; shisaku:value 2000.0 ;
  shisaku:targetRole <https://w3id.org/shisaku/id/target-role/target> ;
  shisaku:unit <https://w3id.org/shisaku/id/unit/company> ;
  shisaku:period <https://w3id.org/shisaku/id/fiscal-year/2020> .
<https://w3id.org/shisaku/id/fiscal-year/2020> rdfs:label "令和2年度"@ja , "fiscal year 2020"@en ;
  schema:endDate "2021-03-31"^^xsd:date .
<https://w3id.org/shisaku/id/organization/mic> a org:FormalOrganization ;
  skos:prefLabel "総務省"@ja , "Ministry of Internal Affairs and Communications"@en .
<https://w3id.org/shisaku/id/organization/meti> a org:FormalOrganization ;
  skos:prefLabel "経済産業省"@ja , "Ministry of Economy, Trade and Industry"@en .
<https://w3id.org/shisaku/id/pillar/data-use> skos:prefLabel "官民データの容易な利用等"@ja .
<https://w3id.org/shisaku/id/target-status/none> skos:prefLabel "記載なし"@ja .
<https://w3id.org/shisaku/id/unit/company> skos:prefLabel "社"@ja .
<https://w3id.org/shisaku/id/budget/x-1> skos:prefLabel "電子化推進事業"@ja .
<https://w3id.org/shisaku/id/document/x-1> schema:url "https://WWW.soumu.go.jp:443/main.html"^^xsd:anyURI .
<https://w3id.org/shisaku/id/law/x-1> skos:prefLabel "官民データ活用推進基本法"@ja ;
  shisaku:lawNumber "平成28年法律第103号" .
<http://例え.jp/%E6%96%BD%E7%AD%96> rdfs:label "percent-encoded" .
"""

DESCRIPTION = """\
<https://w3id.org/shisaku/> <http://purl.org/dc/terms/license> <https://creativecommons.org/licenses/by/4.0/> .
"""

NAMED_GRAPHS = """\
PREFIX ex: <http://example.org/>
ex:s ex:p "default" .
ex:g1 { ex:s ex:p "one" }
ex:g2 { ex:s ex:p "two" }
"""

QUERIES = project_folders().queries
Start = Callable[[FastAPI], AbstractContextManager[httpx.Client]]


def write_release(out: Path, version: str = "2019.1.0") -> Release:
    """Write a release that holds the tiny graph and return it as the server reads it."""
    folder = out / "releases" / version
    folder.mkdir(parents=True)
    contents = {
        "graph.ttl": GRAPH.encode(),
        "graph.ttl.gz": gzip.compress(GRAPH.encode(), mtime=0),
        "measures.csv": b"edition,row,number\r\n" + b"municipal-2019,5,01-05\r\n" * 100,
        "csv-metadata.json": b"{}",
        "ontology.ttl": b"<https://w3id.org/shisaku/def> a <http://www.w3.org/2002/07/owl#Ontology> .\n",
        "dataset.ttl": DESCRIPTION.encode(),
        "validation.html": b"<!doctype html><title>SHACL</title><script>alert(1)</script>",
        "shisaku.xlsx": bytes(range(256)) * 8,
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    files = [ReleasedFile.of(folder / name) for name in contents]
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(f"{file.sha256}  {file.name}\n" for file in files), encoding="utf-8")
    files.append(ReleasedFile.of(sums))
    edition = {"key": "municipal-2019"}
    release = Release(folder, version, "2019-10-11", "0" * 64, "test", (edition,), {"measures": 2}, tuple(files))
    (folder / MANIFEST).write_text(json.dumps(release.manifest()), encoding="utf-8")
    return read_release(folder)


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of releases with a file beside them that nobody may reach."""
    folder = tmp_path_factory.mktemp("out")
    (folder / "secret.txt").write_text("secret", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def release(out: Path) -> Release:
    """The release that is served, with one of a development build beside it."""
    write_release(out, "2019.1.0+dev.0123abcd")
    return write_release(out)


@pytest.fixture(scope="session")
def site(release: Release, out: Path, start: Start) -> Iterator[httpx.Client]:
    """A client of a server of the tiny release."""
    with start(app(release, QUERIES, out)) as client:
        yield client


@pytest.fixture(scope="session")
def data_site(tmp_path_factory: pytest.TempPathFactory, start: Start) -> Iterator[httpx.Client]:
    """A client of a server of a TriG file with two named graphs."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "graphs.trig").write_text(NAMED_GRAPHS, encoding="utf-8")
    with start(app([folder / "graphs.trig"], QUERIES, folder)) as client:
        yield client


@pytest.fixture
def untouched() -> Iterator[Callable[[], str]]:
    """Listen on a loopback port; fail at the end if anything has knocked. Gives the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield lambda: f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
