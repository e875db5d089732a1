"""The list of measures, the source page and the pictures in a real browser: for everyone, without scripts."""

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from .test_browser import violations

PATHS = (
    "/browse?lead=mic&effect=uncertain&sort=-targets&wrong=1",
    "/browse?lead=-&effect=uncertain&target=set",
    "/source/municipal-2019",
    "/source/municipal-2019/page/11",
    "/source/municipal-2019/row/29?white=1",
    "/pictures",
    "/quality",
)


@pytest.mark.exhaustive
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, real_site: httpx.Client, scheme: str) -> None:
    """WCAG 2.2 AA and best practice: Japanese by day on a phone, English at night on a desk."""
    lang, width = ("ja", 375) if scheme == "light" else ("en", 1280)
    size = {"width": width, "height": 900}
    context = browser.new_context(base_url=str(real_site.base_url), color_scheme=scheme, viewport=size)  # type: ignore[arg-type]
    page, found = context.new_page(), {}
    for path in PATHS:
        page.goto(f"{path}{'&' if '?' in path else '?'}lang={lang}")
        # the colours of a page of the source are those of a row; those within a picture axe does not look at
        if complaints := violations(page, contrast="/page/" not in path and path != "/pictures"):
            found[path] = complaints
    context.close()

    assert found == {}


@pytest.mark.exhaustive
def test_nothing_is_cut_off_at_320_pixels(browser: Browser, real_site: httpx.Client) -> None:
    """Rows become cards and cells stand under each other; what scrolls sideways scrolls within itself."""
    context = browser.new_context(base_url=str(real_site.base_url), viewport={"width": 320, "height": 800})
    page, wide = context.new_page(), {}
    for path in PATHS:
        page.goto(f"{path}{'&' if '?' in path else '?'}lang=en")
        if (width := page.evaluate("document.documentElement.scrollWidth")) > 320:
            wide[path] = width
    context.close()

    assert wide == {}


@pytest.mark.exhaustive
def test_a_reader_finds_a_measure_and_its_source_without_scripts(
    browser: Browser, real_site: httpx.Client, tmp_path: Path
) -> None:
    """By a word of two characters to a few measures, on to one, to its ministry's list, to a printed cell and back."""
    context = browser.new_context(base_url=str(real_site.base_url), java_script_enabled=False)
    page = context.new_page()
    page.goto("/browse?lang=ja")
    page.get_by_label("語で絞り込む").fill("防災")
    page.get_by_role("button", name="絞り込む").click()
    assert "q=%E9%98%B2%E7%81%BD" in page.url and "target=&" not in page.url
    page.get_by_role("link", name="設定済み").click()
    rows = page.locator("table.measures tbody tr").count()
    with page.expect_download() as download:
        page.get_by_role("link", name=f"CSV({rows}行)").click()
    download.value.save_as(tmp_path / "view.csv")
    assert len((tmp_path / "view.csv").read_text(encoding="utf-8").splitlines()) == rows + 1

    page.get_by_role("link", name="この表示の質問(SPARQL)を開く").click()
    query = page.get_by_role("textbox").input_value()
    answer = real_site.post("/sparql", data={"query": query, "format": "json"}).json()
    assert len(answer["results"]["bindings"]) == rows

    page.go_back()
    page.get_by_role("link", name="防災拠点等におけるWi-Fi環境の整備推進").click()
    page.get_by_role("link", name="68行目").first.click()
    page.get_by_role("link", name="頁全体").first.click()
    assert page.url.endswith("/source/municipal-2019/page/6?lang=ja#row/37")
    page.locator('[id="row/37"]').get_by_role("link", name="令和元年度までに約3万箇所", exact=True).click()
    assert page.get_by_role("heading", level=1).inner_text() == "令和元年度までに約3万箇所"
    page.goto("/doc/organization/mic?lang=ja")
    page.get_by_role("link", name="一覧で開く(絞り込み、並べ替え、CSV) (主担当の施策)").click()
    assert page.url.endswith("/browse?lead=mic&lang=ja")
    assert page.get_by_role("heading", name="件の施策").is_visible()
    context.close()


def test_the_keyboard_leads_from_a_picture_to_its_measures(browser: Browser, real_site: httpx.Client) -> None:
    """Fields are reached by tab, have names and show that they are reached; Enter opens the list of their measures."""
    context = browser.new_context(base_url=str(real_site.base_url), java_script_enabled=False)
    page = context.new_page()
    page.goto("/pictures?lang=en")
    page.get_by_role("navigation", name="The pictures on this page").get_by_role("link").last.focus()
    page.keyboard.press("Tab")  # the frame in which the picture can be scrolled
    page.keyboard.press("Tab")
    field = page.locator(":focus")
    name = field.get_attribute("aria-label") or ""
    assert name.startswith("Ministry of Internal Affairs and Communications × ")
    assert field.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/browse?*")
    assert page.get_by_role("heading", name=name.rpartition(": ")[2]).is_visible()
    context.close()
