"""The redirects of the permanent names, in a real Apache: each rule, and that no published name is without one."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kg.core.iris import BASE
from kg.core.release import Release

from ..support.processes import free_ports, process_of

ROOT = Path(__file__).parents[2]
HTACCESS = ROOT / "deploy/w3id/.htaccess"
APACHE = shutil.which("apache2") or shutil.which("apache2", path="/usr/sbin") or shutil.which("httpd", path="/usr/sbin")
MODULES = Path("/usr/lib/apache2/modules")
SITE = "https://shisaku-graph.example.org"

pytestmark = pytest.mark.skipif(
    APACHE is None or not MODULES.is_dir(), reason="Apache is not installed (Debian: apt-get install apache2-bin)"
)


@pytest.fixture(scope="module")
def w3id(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Run an Apache that serves the folder as w3id.org would, and give a client of it that follows nothing."""
    folder = tmp_path_factory.mktemp("w3id")
    (folder / "www/shisaku").mkdir(parents=True)
    shutil.copy(HTACCESS, folder / "www/shisaku/.htaccess")
    folder.chmod(0o755)
    (port,) = free_ports(1)
    modules = "".join(
        f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in ("mpm_event", "authz_core", "rewrite")
    )
    (folder / "httpd.conf").write_text(
        f"{modules}ServerRoot {folder}\nServerName w3id.org\nListen 127.0.0.1:{port}\nPidFile {folder}/pid\n"
        f"ErrorLog {folder}/error.log\nDocumentRoot {folder}/www\nAllowEncodedSlashes NoDecode\n"
        f"<Directory {folder}/www>\nAllowOverride All\nRequire all granted\n</Directory>\n"
    )
    command = [str(APACHE), "-f", str(folder / "httpd.conf"), "-DFOREGROUND"]
    url = f"http://127.0.0.1:{port}"
    with process_of(command, url, folder), httpx.Client(base_url=url, timeout=30) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status", "target"),
    [
        ("", 302, "/"),
        ("id/municipal-2019/measure/08-03", 303, "/id/municipal-2019/measure/08-03"),
        ("id/municipal-2019/measure/08-03?lang=en", 303, "/id/municipal-2019/measure/08-03?lang=en"),
        ("id/%E6%96%BD%E7%AD%96%2F%25", 303, "/id/%E6%96%BD%E7%AD%96%2F%25"),
        ("def", 303, "/def"),
        ("def.ttl", 303, "/def.ttl"),
        ("shapes", 303, "/shapes"),
        ("catalog.jsonld", 303, "/catalog.jsonld"),
        ("void", 303, "/void"),
        ("validation", 303, "/validation"),
        ("queries/measures-by-pillar", 303, "/queries/measures-by-pillar"),
        ("release/2019.1.0/graph.ttl", 302, "/release/2019.1.0/graph.ttl"),
        ("release/latest/", 302, "/release/latest/"),
        ("sparql?query=ASK%20%7B%7D", 307, "/sparql?query=ASK%20%7B%7D"),
    ],
)
def test_a_name_leads_to_the_site(w3id: httpx.Client, path: str, status: int, target: str) -> None:
    """Each rule answers with its status and the same path on the site, with escapes and question as they came."""
    answer = w3id.get(f"/shisaku/{path}")

    assert (answer.status_code, answer.headers["Location"]) == (status, SITE + target)


def test_a_query_sent_by_post_stays_one(w3id: httpx.Client) -> None:
    """The endpoint is led to by 307, which keeps method and body (RFC 9110, 15.4.8)."""
    answer = w3id.post("/shisaku/sparql", data={"query": "ASK {}"})

    assert (answer.status_code, answer.headers["Location"]) == (307, SITE + "/sparql")


@pytest.mark.parametrize("path", ["id", "id/", "definition", "defx", "release", "sparqls", "nothing", "id%0d%0aX:%20y"])
def test_what_names_nothing_leads_nowhere(w3id: httpx.Client, path: str) -> None:
    """What no rule is about is not found, and nothing of it becomes a header."""
    answer = w3id.get(f"/shisaku/{path}")

    assert answer.status_code == 404
    assert "Location" not in answer.headers and "X" not in answer.headers


def test_every_published_name_has_a_rule(w3id: httpx.Client, real: Release) -> None:
    """Whatever a release names under the base is redirected: one name of each kind of path is tried."""
    kinds: dict[str, str] = {}
    for file in real.files:
        if file.name in ("graph.nq", "ontology.ttl", "shapes.ttl", "queries.ttl"):
            text = real.path(file.name).read_text(encoding="utf-8")
            for iri in re.findall(rf"<{BASE}([^>#]+)", text):
                kinds.setdefault("/".join(iri.split("/")[:2]), iri)
    kinds.pop("id/", None)  # the space of all identifiers (void:uriSpace), which names nothing

    assert len(kinds) > 20
    lost = {iri: w3id.get(f"/shisaku/{iri}").status_code for iri in kinds.values()}
    assert {iri: status for iri, status in lost.items() if status not in (302, 303, 307)} == {}


def test_a_name_leads_to_a_document_of_this_server(w3id: httpx.Client, real_site: httpx.Client) -> None:
    """The path that a rule leads to is one that the server answers: a thing, the ontology, a file."""
    for path in ("id/organization/mic", "def", "catalog", "void", "shapes", "validation", "queries", "release/latest/"):
        target = w3id.get(f"/shisaku/{path}").headers["Location"].removeprefix(SITE)
        assert real_site.get(target, follow_redirects=True).status_code == 200, path
