"""Changes of the real document whose answers follow from the gold reading.

Each change takes the document apart by pages, changes rows and answers alike, and says nothing of how rows are read.
"""

import csv
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import documents
import words
from phrases import WIDE, Kpi, Target

CHECKOUT = Path(__file__).resolve().parents[2]
GOLD = CHECKOUT / "tests" / "extract" / "gold" / "municipal-2019"
BODIES = [row["label_ja"] for row in documents.ORGANIZATIONS] + words.UNKNOWN_BODIES
UNSEEN = ["\u200b", "\ufeff", "\u00ad", "\ufe0f", "\u2060", "\u200d", "\u200e", "\U000e0100"]
MARKUP = re.compile(r"(</?[a-zA-Z][^<>]*>|&\w+;)")


@dataclass
class Page:
    """The lines before the rows of a page, its rows, and the lines after them."""

    head: list[str]
    rows: list[tuple[list[str], dict[str, Any]]]  # cells and answers
    tail: list[str]


@dataclass
class Document:
    """A document as pages, with the line end it is printed with."""

    pages: list[Page]
    end: str = "\n"

    def printed(self) -> tuple[str, list[dict[str, Any]]]:
        """The text and its answers, with page and line counted anew."""
        lines: list[str] = []
        answers = []
        count = 0
        for page in self.pages:
            count += max(1, sum(line.startswith("#") for line in page.head))  # more than 1 where thinned() took rows
            lines += page.head
            for cells, answer in page.rows:
                lines.append("\t".join(cells))
                answers.append({**answer, "page": str(count), "line": str(len(lines))})
            lines += page.tail
        return self.end.join(lines), answers


def _gold(name: str) -> list[dict[str, str]]:
    with (GOLD / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _kpis() -> dict[str, dict[str, list[Kpi]]]:
    """The gold KPIs by row and kind, each with the targets whose words stand in it."""
    found: dict[str, dict[str, list[Kpi]]] = {}
    waiting = _gold("targets")
    for row in _gold("kpis"):
        mine = []
        while waiting and (waiting[0]["row"], waiting[0]["kind"]) == (row["row"], row["kind"]):
            if waiting[0]["text"] not in row["text"]:
                break
            target = waiting.pop(0)
            # How much of a sentence is the text of its target is open; within parentheses it is the clause.
            exact = row["text"].find("(") < row["text"].find(target["text"]) and "(" in row["text"]
            values = {key: target[key] for key in Target.__dataclass_fields__ if key != "exact"}
            mine.append(Target(**values, exact=exact))
        kpi = Kpi(row["text"], row["status"], row["set_by"], row["group"], tuple(mine))
        found.setdefault(row["row"], {"progress": [], "effect": []})[row["kind"]].append(kpi)
    assert not waiting, f"a gold target stands in no gold KPI: {waiting[0]}"
    return found


def real(text: str) -> Document:
    """The real document with its gold answers."""
    kpis = _kpis()
    answers = {row["line"]: {**row, "kpis": kpis[row["row"]]} for row in _gold("measures")}
    pages: list[Page] = []
    head: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if str(number) in answers and line:
            if head:
                pages.append(Page(head, [], []))
                head = []
            pages[-1].rows.append((line.split("\t"), answers[str(number)]))
        elif pages and not head and not line:
            pages[-1].tail.append(line)
        else:
            head.append(line)
    return Document(pages)


def thinned(text: str, pages: Iterable[int]) -> str:
    """The document with the rows of these pages only; every line and page keeps its number. Builds faster."""
    taken = {row["line"] for row in _gold("measures") if int(row["page"]) not in pages}
    return "\n".join("" if str(n) in taken else line for n, line in enumerate(text.split("\n"), 1))


def _rows(document: Document) -> list[tuple[list[str], dict[str, Any]]]:
    return [row for page in document.pages for row in page.rows]


def _map_kpis(answer: dict[str, Any], change: Callable[[Kpi], Kpi]) -> None:
    answer["kpis"] = {kind: [change(kpi) for kpi in kpis] for kind, kpis in answer["kpis"].items()}


def shuffle_pages(document: Document, rng: Random) -> None:
    """The pages in another order."""
    rng.shuffle(document.pages)


def shuffle_rows(document: Document, rng: Random) -> None:
    """The rows of each page in another order."""
    for page in document.pages:
        rng.shuffle(page.rows)


def renumber(document: Document, rng: Random) -> None:
    """Other running numbers, in no order, and other national numbers."""
    rows = _rows(document)
    numbers = rng.sample(range(1, 400), len(rows))
    national = rng.sample([f"{a:02}-{b:02}" for a in range(1, 30) for b in range(1, 60)], len(rows))
    for (cells, answer), row, number in zip(rows, numbers, national, strict=True):
        cells[0] = answer["row"] = str(row)
        if answer["number"]:
            cells[cells.index(answer["number"])] = number
            answer["number"] = number


def years(document: Document, rng: Random) -> None:
    """Every year later by the same count, as next year's edition would have it."""
    later = rng.randint(1, 4)

    def shift(found: re.Match[str]) -> str:
        name, count = found[1], 1 if found[2] == "元" else int(found[2])
        year = count + {"平成": 1988, "令和": 2018, "": 0}[name] + later
        if not name:
            return f"{year}年"
        if year < 2019:
            return f"平成{year - 1988}年"
        return f"令和{'元' if year == 2019 else year - 2018}年"

    def words_of(text: str) -> str:
        return re.sub(r"(平成|令和|(?<![0-9])(?=20))([0-9]+|元)年", shift, text)

    def key(period: str) -> str:
        return re.sub(r"[0-9]{4}", lambda found: str(int(found[0]) + later), period)

    def moved(kpi: Kpi) -> Kpi:
        targets = tuple(
            replace(
                t,
                text=words_of(t.text),
                period=key(t.period),
                baseline_period=key(t.baseline_period),
                # the day of the document stays: the beginning of a later year is still to come
                role="target" if "当初" in t.text else t.role,
            )
            for t in kpi.targets
        )
        status = "set" if any("当初" in t.text for t in targets) else kpi.status
        return replace(kpi, text=words_of(kpi.text), status=status, set_by=key(kpi.set_by), targets=targets)

    for cells, answer in _rows(document):
        cells[:] = [cell if "http" in cell else words_of(cell) for cell in cells]
        answer["listed_from"] = key(answer["listed_from"])
        _map_kpis(answer, moved)


def amounts(document: Document, rng: Random) -> None:
    """Other numbers in the KPI cells."""
    for cells, answer in _rows(document):

        def changed(kpi: Kpi, cells: list[str] = cells) -> Kpi:
            for target in kpi.targets:
                found = re.search(r"([0-9][0-9,]*)(?!年)(?=[^0-9]*$)", target.text)
                old = int(found[1].replace(",", "")) if found else 0
                if not old or not target.value.isdigit() or int(target.value) / old not in (1, 1e3, 1e4, 1e8):
                    continue  # 9万5千, 倍増 and the like
                assert found
                new = rng.randint(2, 99) if target.unit in ("%", "倍") else rng.randint(2, 9999)
                text = target.text[: found.start()] + f"{new:,}" + target.text[found.end() :]
                if kpi.text.count(target.text) != 1 or f"{old}割" in kpi.text:
                    continue
                cells[2:4] = [cell.replace(target.text, text) for cell in cells[2:4]]
                value = str(int(target.value) // old * new)
                after = replace(target, text=text, value=value)
                targets = tuple(after if each is target else each for each in kpi.targets)
                kpi = replace(kpi, text=kpi.text.replace(target.text, text), targets=targets)
            return kpi

        _map_kpis(answer, changed)


def ministries(document: Document, rng: Random) -> None:
    """Other ministries, among them some that no code list knows."""
    names = rng.sample(BODIES, len(BODIES))
    other = dict(zip(sorted(BODIES), names, strict=True))
    for cells, answer in _rows(document):
        at = max(n for n, cell in enumerate(cells) if cell)
        bodies = [body.replace("経産省", "経済産業省") for body in cells[at].split("、")]
        cells[at] = "、".join("◎" * body.count("◎") + other.get(body.strip("◎"), body.strip("◎")) for body in bodies)
        for role in ("lead", "participating"):
            answer[role] = "|".join(other[name] for name in answer[role].split("|")) if answer[role] else ""


def upper_tags(document: Document, rng: Random) -> None:
    """Tags and attributes in capitals."""
    for cells, _ in _rows(document):
        for at, cell in enumerate(cells):
            tags = re.sub(r"</?[a-z]+", lambda found: found[0].upper(), cell)
            cells[at] = tags.replace(" href=", " HREF=").replace(" style=", " STYLE=")


def div_tags(document: Document, rng: Random) -> None:
    """Lists and paragraphs as <div>."""
    for cells, _ in _rows(document):
        cells[:] = [re.sub(r"<(/?)(ul|li|p)\b[^>]*>", r"<\1div>", cell) for cell in cells]


def br_tags(document: Document, rng: Random) -> None:
    """List items and paragraphs as lines that end in <br/>, with a bullet in the KPI cells."""
    line = rng.choice(["<br/>", "<br>", "<BR />"])
    for cells, _ in _rows(document):
        for at, cell in enumerate(cells):
            text = re.sub(r"</?ul\b[^>]*>|<p>", "", cell).replace("<li>", "・" if at in (2, 3) else "")
            cells[at] = re.sub(r"</(li|p)>", line, text)


def wide(document: Document, rng: Random) -> None:
    """Full-width digits, parentheses, percent signs, commas and colons in numbers and KPI cells."""
    for cells, answer in _rows(document):
        cells[0] = cells[0].translate(WIDE)
        for at, cell in enumerate(cells):
            if cell == answer["number"] or at == 6:
                cells[at] = cell.translate(WIDE).replace("-", "－")
            elif at in (2, 3):
                parts = MARKUP.split(cell)
                cells[at] = "".join(part if n % 2 else part.translate(WIDE) for n, part in enumerate(parts))


def padding(document: Document, rng: Random) -> None:
    """Spaces at the ends of cells, and cells that hold nothing but a space."""
    for cells, _ in _rows(document):
        for at, cell in enumerate(cells):
            if rng.random() < 0.2:
                cells[at] = rng.choice([f" {cell}", f"{cell} ", f"{cell}\u3000", f"\xa0{cell}"])


def unseen(document: Document, rng: Random) -> None:
    """Characters that show nothing inside numbers, words, addresses, tags and marks."""
    for cells, _ in _rows(document):
        for at, cell in enumerate(cells):
            parts = [char + rng.choice(UNSEEN) if rng.random() < 0.1 else char for char in cell]
            cells[at] = rng.choice(["", *UNSEEN]) + "".join(parts)


def inline_tags(document: Document, rng: Random) -> None:
    """Emphasis around a piece of a cell, and attributes on lists."""
    for cells, _ in _rows(document):
        for at in (1, 2, 3, 4):
            if rng.random() < 0.3 and MARKUP.search(cells[at]) is None:
                tag = rng.choice(["b", "strong", "span", "SPAN", "u"])
                cells[at] = f'<{tag} class="x">{cells[at]}</{tag}>'
        cells[:] = [cell.replace("<li>", rng.choice(["<li>", '<li class="item">', "<li >"])) for cell in cells]
        cells[:] = [cell.replace('<a href="', rng.choice(['<a href="', '<a target="_blank" href="'])) for cell in cells]


def wrapped(document: Document, rng: Random) -> None:
    """Markup around short cells: titles, pillars, listing times, marks, numbers, ministries."""
    for cells, answer in _rows(document):
        last = max(n for n, cell in enumerate(cells) if cell)
        short = [1, 5, 6, last] + [n for n, cell in enumerate(cells) if cell == "○" or cell == answer["number"] != ""]
        for at in short:
            if cells[at] and rng.random() < 0.25:
                tag = rng.choice(["p", "P", "div"])
                cells[at] = f"<{tag}>{cells[at]}</{tag}>"
        if rng.random() < 0.1:
            cells[last] = cells[last].replace("、", "<br/>")


def header_breaks(document: Document, rng: Random) -> None:
    """Headings that wrap by <br/> instead of a space."""
    for page in document.pages:
        page.head = [line.replace(" ", rng.choice(["<br/>", "<br>", "<BR />"])) if "\t" in line else line
                     for line in page.head]  # fmt: skip


def crlf(document: Document, rng: Random) -> None:
    """Line ends of Windows."""
    document.end = "\r\n"


def headers(document: Document, rng: Random) -> None:
    """Other headings."""
    title = rng.choice(words.PAGE_TITLES)
    for page in document.pages:
        start = [line for line in page.head if not line]
        page.head = [*start[:-1], title, "", *documents.header(rng)]


def trailing(document: Document, rng: Random) -> None:
    """Empty cells at the ends of rows come and go."""
    for cells, _ in _rows(document):
        while len(cells) > 1 and not cells[-1]:
            cells.pop()
        cells += [""] * rng.randint(0, 4)


def drift(document: Document, rng: Random) -> None:
    """Empty cells appear and vanish between the listing time and what follows it."""
    for cells, answer in _rows(document):
        if not answer["listing_status"]:
            continue
        end = next(n for n, cell in enumerate(cells) if n > 6 and cell not in ("", "○"))
        empty = [n for n in range(7, end) if not cells[n]]
        for _ in range(rng.choice([0, 1, 1, 2])):
            if empty and rng.random() < 0.5:
                del cells[empty.pop()]
            else:
                cells.insert(rng.randint(7, 7 + len(empty)), "")
                break
        answer["effects"], answer["effects_uncertain"] = documents.effects_by_rule(cells)


CHANGES = {
    change.__name__: change
    for change in (
        shuffle_pages, shuffle_rows, renumber, years, amounts, ministries, headers, header_breaks, drift, trailing,
        div_tags, br_tags, inline_tags, wide, wrapped, upper_tags, padding, crlf, unseen,
    )
}  # fmt: skip


def mutated(text: str, names: list[str], seed: int) -> tuple[str, list[dict[str, Any]]]:
    """The real document after some changes, and its answers; what is said changes before how it is printed."""
    document, rng = real(text), Random(seed)
    for name in sorted(names, key=list(CHANGES).index):
        CHANGES[name](document, rng)
    return document.printed()
