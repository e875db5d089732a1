"""The pages in a real browser: for everyone, on any screen, by keyboard, without scripts."""

from importlib.resources import files

import httpx
import pytest
from playwright.sync_api import Browser, Page

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# WCAG 2.2 at level AA, and what axe calls best practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AUDIT = """async ([values, contrast]) => (await axe.run(document, {
  resultTypes: ['violations'], runOnly: { type: 'tag', values }, rules: { 'color-contrast': { enabled: contrast } },
})).violations.map((found) => `${found.help}: ${found.nodes.map((node) => node.target.join(' ')).slice(0, 3)}`)"""
OPEN = "document.querySelectorAll('main details').forEach((drawer) => { drawer.open = true })"
MEASURE = "/doc/municipal-2019/measure/01-02"
OTHERS = (
    "/",
    "/about",
    "/docs",
    "/docs/researcher",
    "/docs/reference",
    "/queries",
    "/sparql",
    "/release/latest/",
    MEASURE,
)
OFTEN = ("/", "/queries", MEASURE)  # looked at every day


def violations(page: Page, contrast: bool = True) -> list[str]:
    """Return what axe-core finds on the page that is open, its drawers opened; `contrast` is what takes longest."""
    page.evaluate(OPEN)
    page.evaluate(AXE)
    found: list[str] = page.evaluate(AUDIT, [RULES, contrast])
    return found


@pytest.mark.parametrize(
    ("lang", "paths"), [("ja", OFTEN), *(pytest.param(lang, (), marks=pytest.mark.exhaustive) for lang in ("ja", "en"))]
)
def test_axe_finds_nothing_on_any_kind_of_page(
    page: Page, kinds: dict[str, str], lang: str, paths: tuple[str, ...]
) -> None:
    """WCAG 2.2 AA and best practice, on one page of each kind, all drawers open. Colours know no language."""
    found = {}
    for path in paths or (*OTHERS, *kinds.values()):
        page.goto(f"{path}?lang={lang}")
        if complaints := violations(page, contrast=lang == "ja"):
            found[path] = complaints
    page.goto("about:blank")

    assert found == {}


@pytest.mark.parametrize(
    "path",
    [
        MEASURE,
        *(pytest.param(path, marks=pytest.mark.exhaustive) for path in ("/", "/nothing", "/doc/correction/c0001")),
    ],
)
def test_contrasts_hold_in_the_dark(browser: Browser, real_site: httpx.Client, path: str) -> None:
    """Dark colours are as readable as light ones."""
    context = browser.new_context(base_url=str(real_site.base_url), color_scheme="dark")
    page = context.new_page()
    page.goto(f"{path}?lang=ja")

    assert violations(page) == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 29)"
    context.close()


@pytest.mark.parametrize(
    ("width", "paths"),
    [
        (320, (*OFTEN, "/browse?lead=mic&lang=en", "/pictures")),
        *(pytest.param(width, (), marks=pytest.mark.exhaustive) for width in (320, 375)),
    ],
)
def test_nothing_is_cut_off_on_a_phone_or_at_400_percent(
    browser: Browser, real_site: httpx.Client, kinds: dict[str, str], width: int, paths: tuple[str, ...]
) -> None:
    """320 pixels are what a window of 1,280 has at 400 %: text flows, and only tables scroll, within themselves."""
    context = browser.new_context(base_url=str(real_site.base_url), viewport={"width": width, "height": 800})
    page, wide = context.new_page(), []
    for path in paths or (*OTHERS, *kinds.values()):
        page.goto(path if "?" in path else f"{path}?lang=en")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(path)
    context.close()

    assert wide == []


def test_the_keyboard_reaches_the_content_at_once(page: Page) -> None:
    """The first tab shows a link that leads past the navigation; every stop after it can be seen."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{MEASURE}?lang=en")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_reader_follows_a_measure_to_its_ministry_and_its_source_without_scripts(
    browser: Browser, real_site: httpx.Client
) -> None:
    """From the first page by a pillar to a measure, to who leads it, back, to the printed cell with its correction."""
    context = browser.new_context(base_url=str(real_site.base_url), java_script_enabled=False)
    page = context.new_page()
    page.goto("/?lang=ja")
    page.get_by_role("link", name="手続における情報通信の技術の利用等").click()
    page.get_by_role("link", name="デジタルファーストの実現に向けたシステム基盤の構築").first.click()
    measure = page.url
    page.locator("main").get_by_role("link", name="内閣官房", exact=True).first.click()
    assert page.get_by_role("heading", level=1).inner_text() == "内閣官房"
    assert page.get_by_role("heading", name="主担当の施策").is_visible()

    page.goto(measure)
    page.get_by_text("1頁、8行目、5番目のセル").click()
    assert page.get_by_text("文字認識でキリル文字と読み誤られている。").is_visible()
    page.get_by_role("link", name="根拠と判断").first.click()
    assert "デジタルデバйд対策" in page.get_by_role("main").inner_text()

    page.goto(measure)
    page.get_by_role("link", name="English").click()
    assert page.url.partition("?")[0] == measure.partition("?")[0]
    page.get_by_role("link", name="Show the query behind this page").click()
    assert "measure/01-02" in page.get_by_role("textbox").input_value()
    context.close()


def test_a_page_is_painted_at_once(page: Page, record_property) -> None:  # type: ignore[no-untyped-def]
    """One style sheet, one icon, nothing else is loaded; the time of the first paint is noted, in milliseconds."""
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(f"{MEASURE}?lang=ja", wait_until="load")
    paint = 0
    for _ in range(100):  # the policy of the page forbids what Playwright waits with
        if paint := page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"):
            break
        page.wait_for_timeout(50)
    record_property("first-contentful-paint", paint)

    assert paint > 0
    assert [url for url in loaded if "/static/" not in url] == [page.url]
    assert len(loaded) <= 3


def test_on_paper_there_is_no_navigation_and_links_show_where_they_lead(page: Page) -> None:
    """Printed, a page has its content, its sources and its name; addresses of other sites are written out."""
    page.emulate_media(media="print")
    page.goto(f"{MEASURE}?lang=ja")

    assert not page.locator("nav.main").is_visible() and not page.locator("nav.trail").is_visible()
    assert page.get_by_role("heading", level=1).is_visible()
