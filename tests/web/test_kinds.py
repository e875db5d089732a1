"""The page of each kind of thing, as it is sent: read by its text, as a person reads it."""

import html
import re
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from kg.core.paths import project_folders
from kg.web import layouts
from kg.web.layouts import UNKNOWN, layout_of

HTML = {"Accept": "text/html"}
LARGEST = 100 * 1024
MEASURES = "SELECT ?measure { ?measure a <https://w3id.org/shisaku/def#Measure> } ORDER BY ?measure"


def text_of(page: str) -> str:
    """Return what a page says, its markup taken away."""
    main = re.sub(r"<(style|script)\b.*?</\1>", "", page[page.index("<main") :], flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


def read(site: httpx.Client, path: str, lang: str = "ja") -> str:
    """Return what the page of a thing says."""
    answer = site.get(f"/doc/{path}", params={"lang": lang}, headers=HTML)
    assert answer.status_code == 200, path
    return text_of(answer.text)


def in_order(text: str, *words: str) -> bool:
    """Whether a text has these words one after the other."""
    return bool(re.search(".*?".join(map(re.escape, words)), text))


def test_every_class_of_the_release_has_a_layout(real_site: httpx.Client, kinds: dict[str, str]) -> None:
    """The page of each kind says in both languages what kind of thing it is, in words and never by a prefixed name."""
    assert len(kinds) > 25
    for cls, path in kinds.items():
        for place, lang in enumerate(("ja", "en")):
            page = real_site.get(path, params={"lang": lang}, headers=HTML).text
            scheme = re.search(r"/doc/scheme/([a-z-]+)", page)
            kind = layout_of([cls], [f"https://w3id.org/shisaku/id/scheme/{scheme[1]}"] if scheme else [])

            assert kind is not UNKNOWN, cls
            assert kind.name[place] in text_of(page)
            assert not re.search(r">(?:shisaku|dcterms|skos|prov|oa|org|time|schema|rdfs?|sssom):[A-Za-z_]+<", page), (
                path
            )


def test_layouts_name_only_what_there_is(real_site: httpx.Client) -> None:
    """Each class and property in a layout is one that the data have a name for: a misspelt one would be silent."""
    declared = tomllib.loads((Path(layouts.__file__).with_suffix(".toml")).read_text("utf-8"))
    known = {
        term for file in ("shisaku.ttl", "standard-terms.ttl") for term in terms(project_folders().ontology / file)
    }
    named = {*declared["pointing"]}
    for kind in declared["kind"]:
        named |= {
            kind["class"],
            *kind.get("facts", ()),
            *kind.get("hidden", ()),
            *([kind["within"]] if "within" in kind else []),
        }

    assert len(named) > 90
    assert sorted(named - known) == []


def terms(file: Path) -> set[str]:
    """Return the terms that a file of the ontology names, as prefixed names."""
    return set(re.findall(r"^([a-z-]+:[A-Za-z_]+) ", file.read_text(encoding="utf-8"), flags=re.MULTILINE))


def test_a_measure_reads_from_the_title_to_its_source(real_site: httpx.Client) -> None:
    """Number, title with its unofficial translation, who is responsible, why, by when, with what, from where."""
    text = read(real_site, "municipal-2019/measure/08-03")

    assert in_order(
        text,
        *(
            "施策 08-03",
            "データ利活用型ICTスマートシティの推進",
            "Promoting ICT smart cities based on data use",
            "非公式の英訳",
        ),
        *("主担当", "総務省", "柱", "情報システムに係る規格の整備", "期待される効果", "地域社会・経済の活性化"),
        *("課題と取組の概要", "人口の増減", "市町村等への支援", "補助率"),
        *(
            "KPIと目標",
            "進捗",
            "4 箇所",
            "令和元年度",
            "2020年3月31日(令和2年)",
            "効果",
            "26 箇所",
            "令和2年度末までに延べ26か所",
        ),
        *("予算事業", "より高度なスマートシティ", "参考資料", "ICT街づくり推進会議", "保存された写し"),
        *(
            "原典",
            "8頁、96行目",
            "https://w3id.org/shisaku/id/municipal-2019/measure/08-03",
            "Turtle",
            "このページの質問",
        ),
    )


def test_a_measure_in_english_says_what_is_ours(real_site: httpx.Client) -> None:
    """The English title is marked as unofficial, names and dates are in English, what stays Japanese is tagged so."""
    page = real_site.get("/doc/municipal-2019/measure/08-03", params={"lang": "en"}, headers=HTML).text
    text = text_of(page)

    assert in_order(
        text, "Measure 08-03", "Promoting ICT smart cities", "unofficial translation", "Lead", "Ministry of Internal"
    )
    assert in_order(text, "Progress", "4 place", "fiscal year 2019", "31 March 2020 (Reiwa 2)")
    assert '<div class="prose" lang="ja">' in page
    assert '<bdi lang="ja">データ利活用型ICTスマートシティの推進</bdi>' in page


def test_what_is_uncertain_is_said_and_never_shown_as_known(real_site: httpx.Client) -> None:
    """A mark whose column is unknown, a measure without a lead or a pillar, a target not yet set: each in words."""
    marked = read(real_site, "municipal-2019/measure/06-15")
    unset = read(real_site, "municipal-2019/measure/01-06")
    bare = read(real_site, "municipal-2019/measure/row-79")

    assert in_order(marked, "期待される効果", "不確か", "どの効果の欄か原典からは分かりません")
    assert "住民生活の安全・安心の確保" not in marked
    assert in_order(unset, "未設定", "設定の時期", "年度")
    assert "主担当" in bare


def test_the_source_stands_beside_the_value_with_corrections_and_reasons(real_site: httpx.Client) -> None:
    """The printed text, its place, the correction, why it was made, and the way to the evidence."""
    text = read(real_site, "municipal-2019/measure/01-02")
    correction = read(real_site, "correction/c0001")

    assert in_order(
        text, "課題と取組の概要", "デジタルデバイド対策", "原典", "5番目のセル", "訂正あり", "デジタルデバйд対策"
    )
    assert in_order(
        text,
        "デジタルデバйд対策",
        "→",
        "デジタルデバイド対策",
        "文字認識でキリル文字と読み誤られている。",
        "根拠と判断",
    )
    assert in_order(
        correction, "デジタルデバйд対策", "デジタルデバイド対策", "理由", "原典の記載", "この訂正を適用したセル"
    )


def test_who_points_to_a_thing_is_said_in_words(real_site: httpx.Client) -> None:
    """A ministry shows the measures that it leads and takes part in, with numbers; no page lists triples."""
    text = read(real_site, "organization/mic")
    pillar = read(real_site, "pillar/data-use", "en")

    assert in_order(
        text, "府省庁・機関", "総務省", "法人番号", "2000012020001", "主担当の施策", "31", "01-05", "関与する施策"
    )
    assert in_order(text, "同じ施策によく現れるもの", "内閣官房", "共通", "ほか", "原典での記載", "頁")
    assert in_order(pillar, "Pillar", "Easy use of public", "Measures of this pillar", "02-01")


def test_related_measures_are_found_by_what_they_share(real_site: httpx.Client) -> None:
    """Measures that share a budget, a document, a law or a named thing, with what it is."""
    text = read(real_site, "municipal-2019/measure/07-05")

    assert in_order(text, "関わりのある施策", "07-03", "共通", "自治体クラウド")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("plan/2019/measure/08-03", ("国の計画の施策", "08-03", "この施策を掲載した一覧の施策", "データ利活用型")),
        (
            "municipal-2019/measure/08-03/kpi/effect-1",
            ("KPI(指標)", "26 箇所", "令和2年度", "原典の記載", "この指標の施策"),
        ),
        ("municipal-2019/measure/08-03/kpi/effect-1/target-1", ("目標・値", "26", "箇所", "令和2年度")),
        ("fiscal-year/2020", ("期間", "令和2年度", "2020年度", "2021年3月31日(令和3年)", "この時期の目標など")),
        ("effect/efficiency", ("期待される効果", "行政の効率化", "この効果が期待される施策")),
        ("law/kanmin-data", ("法令", "官民データ活用推進基本法", "法令番号", "これを根拠とするもの")),
        ("place/okinawa", ("地域", "沖縄県", "文中に名前が出る施策")),
        (
            "entity/municipal-pitch",
            ("計画・制度・システムなど", "自治体ピッチ", "文中に名前が出る施策", "原典での記載"),
        ),
        (
            "source/municipal-2019/row/2",
            ("原典の行", "1頁、8行目", "読んだ列", "印字", "施策名", "訂正", "ここから読み取ったもの"),
        ),
        (
            "source/municipal-2019/row/2/cell/5",
            ("原典のセル", "読み取った列", "課題・取組概要", "訂正あり", "「情報システム整備計画」"),
        ),
        (
            "source/municipal-2019/row/48/cell/11/mention/3",
            ("言及", "「自治体クラウド導入サポート員」", "指しているもの"),
        ),
        ("edition/municipal-2019", ("一覧の版", "市町村の施策に関する国の施策一覧", "掲載施策 82", "01-02", "11-04")),
        ("link/x-79132b66b4", ("外部とのリンクの記録", "地方税共同機構", "houjin-bangou")),
    ],
)
def test_each_kind_says_what_matters_in_order(real_site: httpx.Client, path: str, words: tuple[str, ...]) -> None:
    """What kind of thing it is, its name, its facts in reading order, then what points to it."""
    text = read(real_site, path)

    assert in_order(text, *words), text[:1500]


@pytest.mark.parametrize(("step", "least"), [(6, 15), pytest.param(1, 100, marks=pytest.mark.exhaustive)])
def test_pages_are_small(real_site: httpx.Client, kinds: dict[str, str], step: int, least: int) -> None:
    """The page of each measure, or of some, and of one thing of each kind is under 100 KB, without what it loads."""
    rows = real_site.get("/sparql", params={"query": MEASURES, "format": "json"}).json()["results"]["bindings"]
    paths = ["/doc/" + row["measure"]["value"].partition("/id/")[2] for row in rows]
    paths = [*paths, *kinds.values(), "/", "/about"][::step]
    sizes = {path: len(real_site.get(path, headers=HTML).content) for path in paths}

    assert len(sizes) > least
    assert {path: size for path, size in sizes.items() if size > LARGEST} == {}


def test_the_query_behind_a_page_opens_in_the_editor(real_site: httpx.Client) -> None:
    """One click from a page to the query that makes it: about this thing, it gives what its document says."""
    path = "/doc/organization/mic"
    page = real_site.get(path, params={"lang": "en"}, headers=HTML).text
    link = html.unescape(re.search(r'class="ask" href="([^"]*)"', page)[1])
    query = parse_qs(urlsplit(link).query)["edit"][0]
    editor = real_site.get(f"/sparql?{urlsplit(link).query}", headers=HTML).text

    assert html.unescape(editor[editor.index("<textarea") :]).partition(">\n")[2].startswith(query)
    assert "<https://w3id.org/shisaku/id/organization/mic>" in query
    turtle = real_site.post("/sparql", data={"query": query, "format": "nt"}).text.splitlines()
    assert set(turtle) <= set(real_site.get(f"{path}.nt").text.splitlines())
