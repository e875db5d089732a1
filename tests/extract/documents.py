"""Documents of the same kind as the real one, made from answers.

A measure is drawn as its answers first; then it is printed as a table row in one of the many ways in which the real
document prints its rows. `document(seed, …)` gives the text and what the tables must say about it.
"""

import csv
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import phrases
import words
from phrases import WIDE, Kpi

BUILD = Path(__file__).resolve().parents[2] / "build"
EFFECTS = ["efficiency", "economy", "convenience", "safety"]


def code_list(name: str) -> list[dict[str, str]]:
    """A code list of the recipe."""
    with (BUILD / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ORGANIZATIONS = [row for row in code_list("organizations") if row["kind"] == "organization"]
GROUPS = [row["label_ja"] for row in code_list("organizations") if row["kind"] == "group"]
PILLARS = code_list("pillars")


@dataclass
class Measure:
    """The answers of one row, and the words in which its free text is printed."""

    row: str
    number: str
    title: str
    pillar: tuple[str, str]  # canonical, printed
    listing: tuple[str, str, str]  # printed, listed_from, listing_status
    effects: tuple[str, ...]
    organizations: list[tuple[str, str, str]]  # role, canonical, printed
    kpis: dict[str, list[Kpi]]
    overview: list[str]
    support: list[str]
    budgets: list[str]
    references: list[tuple[str, str]]  # title, URL
    extra: list[tuple[str, str]] = field(default_factory=list)  # references printed in the budget cell


@dataclass
class Style:
    """How a document is printed."""

    wide: bool = False
    lists: tuple[str, ...] = ("ul", "UL", "p", "P", "div", "br", "dash", "dot", "flat")
    kpis: tuple[str, ...] = tuple(kind for kind in phrases.CLAUSES if kind not in ("eras", "dated"))
    joints: tuple[str, ...] = ("run", "space", "comma", "ul", "UL", "div", "p", "br", "dot")
    urls: tuple[str, ...] = ("a", "A", "plain", "quote", "broken", "p", "li", "square", "linked", "wide", "inside")
    drift: bool = True


def listing(rng: Random) -> tuple[str, str, str]:
    """A listing time: printed, listed_from, listing_status."""
    year = rng.randint(2016, 2027)
    printed = f"平成{year - 1988}" if year < 2019 else f"令和{'元' if year == 2019 else year - 2018}"
    if year == 2019 and rng.random() < 0.5:
        printed = "平成31"
    kind = rng.randrange(8)
    if kind == 0:
        return "時期調整中", "", "adjusting"
    if kind == 1:
        return f"{printed}年度から(時期調整中)", f"FY{year}", "from+adjusting"
    return f"{printed}年度{rng.choice(['から', 'から', '以降'])}", f"FY{year}", "from"


def organizations(rng: Random) -> list[tuple[str, str, str]]:
    """Ministries with their roles, some by abbreviation, some that no code list knows, and collectives."""
    chosen = []
    for body in rng.sample(ORGANIZATIONS, rng.randint(1, 6)):
        short = [name for name in body["printed_as"].split("|") if name.endswith("省")]
        use_short = short and rng.random() < 0.3
        chosen.append((body["label_ja"], short[0] if use_short else body["label_ja"]))
    if rng.random() < 0.3:
        body = rng.choice(words.UNKNOWN_BODIES)
        chosen.insert(rng.randint(0, len(chosen)), (body, body))
    leads = 0 if rng.random() < 0.3 else rng.choice([1, 1, 1, 2])
    named = [("lead" if at < leads else "participating", *names) for at, names in enumerate(chosen)]
    if rng.random() < 0.3:
        group = rng.choice(GROUPS)
        named.append(("group", group, group))
    return named


def references(rng: Random, most: int) -> list[tuple[str, str]]:
    """Titles and URLs, each URL once."""
    urls = [f"{rng.choice(words.HOSTS)}/{page}" for page in rng.sample(words.PAGES, rng.randint(0, most))]
    return [(rng.choice(words.NAMES), url) for url in dict.fromkeys(urls)]


def kpis(rng: Random, style: Style) -> list[Kpi]:
    """One to four KPIs of a cell; what is unset or a whole sentence stands alone."""
    kind = rng.randrange(10)
    if kind == 0:
        return [phrases.unset(rng)] if rng.random() < 0.8 else []
    if kind == 1:
        return [phrases.sentence(rng)]
    if kind == 2:
        return [phrases.plain(rng)]
    if kind == 3:
        return rng.choice(
            [
                [Kpi(rng.choice(words.SPACED))],
                [Kpi(noun) for noun in rng.sample(phrases.NOUNS, rng.choice([2, 3]))],
                [Kpi(rng.choice(phrases.NOUNS)), phrases.parenthesized(rng, "value")],
            ]
        )
    return [phrases.parenthesized(rng, rng.choice(style.kpis)) for _ in range(rng.choice([1, 1, 1, 2, 2, 3]))]


def measure(rng: Random, row: int, number: str, style: Style) -> Measure:
    """A measure, drawn."""
    sparse = style.drift and rng.random() < 0.08
    pillar = rng.choice(PILLARS)
    printed_pillar = rng.choice([pillar["label_ja"], *filter(None, pillar["printed_as"].split("|"))])
    marks = tuple(key for key in EFFECTS if rng.random() < 0.4)
    return Measure(
        row=str(row),
        number=number,
        title=rng.choice(words.SUBJECTS) + rng.choice(words.PREDICATES),
        pillar=("", "") if sparse else (pillar["label_ja"], printed_pillar),
        listing=("", "", "") if sparse else listing(rng),
        effects=() if sparse else marks,
        organizations=organizations(rng),
        kpis={"progress": kpis(rng, style), "effect": kpis(rng, style)},
        overview=rng.sample(words.SENTENCES, 3),
        support=[] if sparse else rng.sample(words.SUPPORTS, rng.randint(0, 3)),
        budgets=[] if sparse else rng.sample(words.PROGRAMMES, rng.choice([0, 0, 1, 1, 2])),
        references=[] if sparse else references(rng, 3),
    )


def blocks(rng: Random, style: str, items: list[str]) -> str:
    """Paragraphs or list items in the markup of `style`."""
    if not items:
        return ""
    tag = {"UL": "LI", "ul": "li"}.get(style, style)
    if style in ("ul", "UL"):
        attribute = rng.choice(["", ' style="list-style-type: none;"'])
        body = " ".join(f"<{tag}>{item}</{tag}>" for item in items)
        return f"<{style}{attribute}> {body} </{style}>"
    if style in ("p", "P", "div"):
        return rng.choice(["", " "]).join(f"<{tag}>{item}</{tag}>" for item in items)
    if style == "br":
        return rng.choice(["<br/>", "<br>", "<BR />"]).join(items)
    lead = {"dash": "- ", "dot": "・", "flat": ""}[style]
    return " ".join(lead + item for item in items)


def kpi_cell(rng: Random, style: Style, kpis: list[Kpi]) -> tuple[str, list[Kpi]]:
    """A cell with its KPIs, and the KPIs with the group under which they were printed."""
    texts = [kpi.text for kpi in kpis]
    if not kpis:
        return rng.choice(["-", ""]), []
    if len(kpis) == 1:
        return (texts[0] if rng.random() < 0.8 else blocks(rng, rng.choice(["ul", "p", "div"]), texts)), kpis
    closed = all(kpi.text.endswith(")") for kpi in kpis[:-1])
    aimed = all(any(target.role == "target" for target in kpi.targets) for kpi in kpis)
    unfit = [*([] if closed else ["run", "comma"]), *([] if aimed else ["run"])]
    joint = rng.choice([joint for joint in style.joints if joint not in unfit])
    if joint in ("run", "space", "comma"):
        return {"run": "", "space": " ", "comma": "、"}[joint].join(texts), kpis
    if joint in ("ul", "UL") and rng.random() < 0.5:
        group, other = rng.sample(words.KPI_GROUPS, 2)
        left, right = rng.choice([("&lt;", "&gt;"), ("<", ">"), ("＜", "＞")])
        heading, second = f"{left}{group}{right}", f"{left}{other}{right}"
        first = [f"{heading} {texts[0]}"] if rng.random() < 0.5 else [heading, texts[0]]
        items = [*first, second, *texts[1:]]
        return blocks(rng, joint, items), [replace(k, group=group if not n else other) for n, k in enumerate(kpis)]
    return blocks(rng, joint, texts), kpis


def reference(rng: Random, style: str, title: str, url: str) -> str:
    """One reference as printed."""
    coded = url.replace("&", "&amp;")
    if style in ("a", "A"):
        tag, href = ("a", "href") if style == "a" else ("A", "HREF")
        return f'({title}) <{tag} {href}="{coded}">{coded}</{tag}>'
    if style in ("p", "li"):
        return f'<{style}>({title})</{style}> <{style}><a href="{coded}">{coded}</a></{style}>'
    if style == "linked":
        return f"<a href='{coded}'>{title}</a>"
    if style == "wide":
        return f"（{title.translate(WIDE)}）{url}"
    if style == "inside":
        return f"{title.replace('(', '「').replace(')', '」')}({url})"
    if style == "quote":
        return f"'({title}) {url}"
    if style == "square":
        return f"■{title} {url}"
    start = url.index("/", 8) + 3
    breaks = [at for at in range(start, len(url) - 1) if set("/.") & set(url[at + 1 :])]
    if style == "broken" and breaks:  # what is left begins no new word: a path or a file name goes on
        at = rng.choice(breaks)
        url = f"{url[:at]} {url[at:]}"
    return f"({title}) {url}"


def reference_cell(rng: Random, style: Style, references: list[tuple[str, str]]) -> str:
    """The references of a cell."""
    kind = rng.choice(style.urls)
    printed = [reference(rng, kind, *each) for each in references]
    if kind == "li" and printed:
        return f"<ul> {' '.join(printed)} </ul>"
    return rng.choice([" ", " ", "<br/>"] if kind != "broken" else [" "]).join(printed)


def budget_cell(rng: Random, names: list[str], *, headed: bool) -> str:
    """Budget programmes with a heading, a grant in brackets, a former name."""
    if not names:
        return ""
    left, right = rng.choice([("<", ">"), ("<", ">"), ("&lt;", "&gt;"), ("＜", "＞")])
    grant = rng.random() < 0.3
    heading = f"{left}予算事業名{'[補助金名]' if grant else ''}{right}{rng.choice([' ', ''])}"
    printed = list(names)
    if grant:
        printed[0] += "[情報通信技術活用事業費補助金]"
    elif rng.random() < 0.3:
        printed[-1] += " (旧:基盤構築事業(H30年度)、新サービス構築事業(R元年度))"
    if not headed and len(names) == 1 and names[0].endswith(("事業", "経費")) and rng.random() < 0.3:
        heading = ""
    if len(names) > 1 and heading and rng.random() < 0.15:
        return f"{heading} {blocks(rng, rng.choice(['ul', 'dot']), printed)}"
    text = heading + rng.choice([" ", "<br/>"]).join(printed)
    return rng.choice([text, text, f"<p>{text}</p>"])


def row_cells(rng: Random, measure: Measure, style: Style) -> list[str]:
    """The cells of a row as printed; fills in the groups of the KPIs on the way."""
    cells = [measure.row, measure.title]
    for kind in ("progress", "effect"):
        printed, measure.kpis[kind] = kpi_cell(rng, style, measure.kpis[kind])
        cells.append(printed.translate(WIDE) if style.wide and "<" not in printed and "&" not in printed else printed)
    cells += [blocks(rng, rng.choice(style.lists), measure.overview), measure.pillar[1], measure.listing[0]]
    marks = ["○" if key in measure.effects else "" for key in EFFECTS]
    if style.drift and measure.listing[0] and rng.random() < 0.3:
        change = rng.choice(["more", "more", "fewer"])
        if change == "more":
            marks.insert(rng.randint(0, 4), "")
        elif "" in marks:
            marks.remove("")
    cells += marks
    support = blocks(rng, rng.choice(style.lists), measure.support)
    if measure.references and rng.random() < 0.2:
        measure.extra, measure.references = measure.references[:1], measure.references[1:]
    budget = budget_cell(rng, measure.budgets, headed=not measure.support or bool(measure.extra))
    if measure.extra:
        budget = f"{budget} {reference_cell(rng, style, measure.extra)}".strip()
    for text in (support, budget, reference_cell(rng, style, measure.references)):
        if text:
            cells.append(text)
        elif not style.drift or rng.random() < 0.8:
            cells.append(rng.choice(["", "-"]))
    bodies = ["◎" + printed if role == "lead" else printed for role, _, printed in measure.organizations]
    cells += [measure.number, rng.choice(["、"] * 6 + ["，", "、 ", ", "]).join(bodies)]
    if style.wide:
        for at in (0, 6, -2):
            cells[at] = cells[at].translate(WIDE).replace("-", "－")
    return cells + [""] * (rng.choice([0, 0, 1, 2]) if style.drift else 0)


def effects_by_rule(cells: list[str]) -> tuple[str, str]:
    """Effects and uncertainty as the source tells them: exactly four cells of ○ or nothing after the listing time."""
    marks = []
    for cell in cells[7:]:
        if cell.strip() not in ("", "○"):
            break
        marks.append(cell.strip())
    if not cells[6].strip() or "○" not in marks:
        return "", "false"
    if len(marks) != 4:
        return "", "true"
    return "|".join(key for key, mark in zip(EFFECTS, marks, strict=True) if mark), "false"


def answers(measure: Measure, cells: list[str], page: int, line: int) -> dict[str, Any]:
    """What the tables must say about a row."""
    effects, uncertain = effects_by_rule(cells)
    names: dict[str, list[str]] = {"lead": [], "participating": [], "group": []}
    for role, name, _ in measure.organizations:
        names[role].append(name)
    return {
        "row": measure.row,
        "number": measure.number,
        "title_ja": measure.title,
        "pillar": measure.pillar[0],
        "listed_from": measure.listing[1],
        "listing_status": measure.listing[2],
        "effects": effects,
        "effects_uncertain": uncertain,
        "lead": "|".join(names["lead"]),
        "participating": "|".join(names["participating"]),
        "groups": "|".join(names["group"]),
        "budgets": "|".join(measure.budgets),
        "urls": "|".join(dict.fromkeys(url for _, url in measure.extra + measure.references)),
        "page": str(page),
        "line": str(line),
        "kpis": measure.kpis,
    }


def header(rng: Random) -> list[str]:
    """The two header lines of a page: wording, spaces, a missing column, the listing time under the effects."""
    tops = [rng.choice(forms) for forms in words.HEADINGS]
    subs = [rng.choice(forms) for forms in words.SUBHEADINGS]
    under = rng.random() < 0.4
    if under:
        subs.insert(rng.choice([0, 4]), tops.pop(6))
    elif rng.random() < 0.2:
        subs.pop()
    at = tops.index(next(word for word in tops if word.replace(" ", "").endswith("期待される効果")))
    first = tops[: at + 1] + [""] * rng.randint(3, 4) + tops[at + 1 :]
    return ["\t".join(first), "\t".join([""] * at + subs + [""] * rng.randint(0, 5))]


Answer = dict[str, Any]


def document(seed: int, style: Style | None = None, pages: int = 3, rows: int = 8) -> tuple[str, list[Answer]]:
    """A document and its answers."""
    rng = Random(seed)
    style = style or Style()
    title = rng.choice(words.PAGE_TITLES)
    lines, expected, row = ["", ""], [], 0
    numbers = rng.sample([f"{a:02}-{b:02}" for a in range(1, 13) for b in range(1, 45)], pages * rows)
    for page in range(1, pages + 1):
        lines += [title, "", *header(rng)]
        for _ in range(rows):
            row += rng.choice([1, 1, 1, 2]) if style.drift else 1
            number = "" if style.drift and rng.random() < 0.04 else numbers.pop()
            each = measure(rng, row, number, style)
            cells = row_cells(rng, each, style)
            lines.append("\t".join(cells))
            expected.append(answers(each, cells, page, len(lines)))
        lines += [""] * rng.choice([1, 1, 3])
    return "\n".join(lines), expected
