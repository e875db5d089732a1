"""What says how to cite, and what finds the project: the same versions and terms everywhere."""

import json
import re
import tomllib
from pathlib import Path

import httpx

from kg import __version__
from kg.names import BASE

ROOT = Path(__file__).parents[2]


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
