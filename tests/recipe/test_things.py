"""What texts name: the curator's lists decide, the finder is general, and every naming is a mention."""

from collections.abc import Callable
from pathlib import Path

import pyoxigraph
import pytest

from kg.builder.pipeline import read
from kg.recipe import read_recipe

from ..support.curation import kg
from ..support.recipes import DOCUMENT, short_recipe

ID = "https://w3id.org/shisaku/id/"
SHISAKU = "https://w3id.org/shisaku/def#"
TITLE = "マイナンバーカードと電子委任状を活用した政府調達"
QUERY = """PREFIX shisaku: <https://w3id.org/shisaku/def#> PREFIX oa: <http://www.w3.org/ns/oa#>
    PREFIX dcterms: <http://purl.org/dc/terms/>
    SELECT ?thing ?words { ?measure shisaku:rowNumber 1 .
      ?mention shisaku:inMeasure ?measure ; shisaku:asProperty ?property ; oa:hasBody ?thing ;
        oa:hasTarget/oa:hasSource/shisaku:columnReadAs <https://w3id.org/shisaku/id/column/title> ;
        oa:hasTarget/oa:hasSelector/oa:exact ?words ; oa:hasTarget/oa:hasSelector/oa:start ?start .
      FILTER STRSTARTS(STR(?property), "https://w3id.org/shisaku/def#mentions") } ORDER BY ?start"""

Naming = Callable[[str], list[tuple[str, str]]]


@pytest.fixture(scope="module")
def naming(tmp_path_factory: pytest.TempPathFactory) -> Naming:
    """Return what a title names: the thing and the words, in the order of the text, where the table has that title."""
    folder = short_recipe(tmp_path_factory.mktemp("recipe") / "build")
    text, recipe = (folder / DOCUMENT).read_bytes().decode(), read_recipe(folder)
    assert TITLE in text

    def names(title: str) -> list[tuple[str, str]]:
        store = pyoxigraph.Store()
        graph = read(text.replace(TITLE, title, 1).encode(), recipe).n_triples()
        store.load(input=graph, format=pyoxigraph.RdfFormat.N_TRIPLES)
        return [(row["thing"].value.removeprefix(ID), row["words"].value) for row in store.query(QUERY)]

    return names


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Lアラートの活用", [("entity/l-alert", "Lアラート")]),
        ("Ｌアラートの活用", [("entity/l-alert", "Ｌアラート")]),
        ("Ｌｱﾗｰﾄの活用", [("entity/l-alert", "Ｌｱﾗｰﾄ")]),
        ("L アラ ートの活用", [("entity/l-alert", "L アラ ート")]),
        ("Lアラート(災害情報共有システム)の活用", [("entity/l-alert", "Lアラート(災害情報共有システム)")]),
        ("自治体クラウド導入サポート員の派遣", [("entity/municipal-cloud-supporters", "自治体クラウド導入サポート員")]),
        ("自治体クラウド導入の支援", [("entity/municipal-cloud", "自治体クラウド")]),
        ("NICTとIPAの連携", [("organization/nict", "NICT"), ("organization/ipa", "IPA")]),
        ("UNICTとIPA2の連携", []),
        ("SIP4DとSIP4Dの連携", [("entity/sip4d", "SIP4D"), ("entity/sip4d", "SIP4D")]),
        ("沖縄県と東京の防災", [("place/okinawa", "沖縄県")]),
        ("総務省の防災", []),
    ],
)  # fmt: skip
def test_names_are_found(naming: Naming, title: str, expected: list[tuple[str, str]]) -> None:
    """In any width and across line wraps, the longest one, whole Latin words only, as often as it stands there."""
    assert naming(title) == expected


def test_the_list_decides_what_is_a_name(recipe: Path, tmp_path: Path) -> None:
    """A row more in the curator's list is found in the texts of the next build, and joins the measures that name it."""
    with (recipe / "entities.csv").open("a", encoding="utf-8") as file:
        file.write("invented,plan,電子委任状,An invented thing,\n")
    result = kg("build", "--draft", "--recipe", recipe, "--out", tmp_path / "out")
    store = pyoxigraph.Store()
    store.load(path=str(tmp_path / "out" / "draft" / "graph.ttl"), format=pyoxigraph.RdfFormat.TURTLE)
    named = pyoxigraph.NamedNode(f"{ID}entity/invented")
    measures = list(store.quads_for_pattern(None, pyoxigraph.NamedNode(f"{SHISAKU}mentionsEntity"), named))

    assert result.exit_code == 0, result.output
    assert f"{ID}municipal-2019/measure/01-05" in {quad.subject.value for quad in measures}


def test_an_entity_that_no_text_names_is_not_published(release: Path) -> None:
    """Every named entity of the release is named by a measure; prefectures and successors are there all the same."""
    store = pyoxigraph.Store()
    store.load(path=str(release / "graph.ttl"), format=pyoxigraph.RdfFormat.TURTLE)
    rows = store.query(
        """PREFIX shisaku: <https://w3id.org/shisaku/def#> PREFIX schema: <http://schema.org/>
        SELECT (COUNT(DISTINCT ?entity) AS ?entities) (COUNT(DISTINCT ?named) AS ?mentioned)
          (COUNT(DISTINCT ?place) AS ?places)
        { { ?entity a shisaku:NamedEntity } UNION { ?m shisaku:mentionsEntity ?named }
          UNION { ?place a schema:AdministrativeArea } }"""
    )
    ((entities, mentioned, places),) = [[int(term.value) for term in row] for row in rows]

    assert entities == mentioned > 40
    assert places == 47
