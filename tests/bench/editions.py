"""Makes a recipe with many documents from that of this checkout: editions of the table, and plans that cite them.

    .venv/bin/python tests/bench/editions.py 100 /tmp/hundred
    .venv/bin/python -m kg build --recipe /tmp/hundred --out /tmp/out --timings

The first document is the real one. Each other is printed anew from it: every target has another value, one measure in
seven another title, one address and one budget programme in ten belong to that edition alone, and every ten editions
list the measures of a plan of their own. So what editions share grows, but slowly, as it would. The same numbers make
the same recipe.
"""

import argparse
import csv
import hashlib
import io
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REAL = "municipal-2019"
MEASURES = 30  # of a plan
PLAN = """\
key = "plan-{number:04}"
document = "plan.csv"
sha256 = "{digest}"
title_ja = "作り物の計画{number}"
title_en = "Made-up plan {number}"
government_ja = "作り物の町{number}"
government_en = "Made-up town {number}"
edition = "{edition}"

[columns]
number = "番号"
title = "施策名"
description = "概要"
department = "担当課"
cites = "関連する国の施策"
"""
_ROW = re.compile(r"\d+\t")
_TARGET = re.compile(r"(?<=[にで末約度は])(\d{1,3}(?:,\d{3})*|\d+)(?=(?:団体|社|件|か所|箇所|人|自治体|%))")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9./_-]+")


def document(text: str, number: int) -> str:
    """The document of an edition."""
    rows = 0

    def value(found: re.Match[str]) -> str:
        return f"{int(found[1].replace(',', '')) + number:,}"

    def address(found: re.Match[str]) -> str:
        mine = hashlib.sha256(found[0].encode()).digest()[0] % 10 == number % 10
        return f"{found[0]}?edition={number}" if mine else found[0]

    lines = []
    for line in text.splitlines(keepends=True):
        if _ROW.match(line):
            rows += 1
            cells = line.split("\t")
            if (rows + number) % 7 == 0:
                cells[1] += f"(第{number}版)"
            line = "\t".join(_ADDRESS.sub(address, _TARGET.sub(value, cell)) for cell in cells)
        lines.append(line)
    return "".join(lines)


def source(settings: str, number: int, digest: str) -> str:
    """The description of an edition."""
    changes = {
        "key": f'"edition-{number:04}"',
        "document": '"measures.txt"',
        "sha256": f'"{digest}"',
        "title_ja": f'"市町村の施策に関する国の施策一覧 第{number}版"',
        "title_en": f'"List of national measures that concern municipal measures, edition {number}"',
        "plan": f'"made-{number // 10}"',
        "plan_ja": f'"計画{number // 10}"',
        "plan_en": f'"Plan {number // 10}"',
    }
    for name, written in changes.items():
        settings = re.sub(rf"^{name} = .*$", f"{name} = {written}", settings, flags=re.M)
    return settings


def plan(number: int, edition: str, listed: list[str]) -> dict[str, str]:
    """The files of the plan of a made-up municipality, three of whose measures in four cite one of an edition."""
    rows = [["番号", "施策名", "概要", "担当課", "関連する国の施策"]]
    for place in range(1, MEASURES + 1):
        cited = listed[(number + 7 * place) % len(listed)] if place % 4 else ""
        rows.append([f"{place}", f"町の取組{place}", f"計画{number}の取組{place}を進める。", "企画課", cited])
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    digest = hashlib.sha256(text.getvalue().encode()).hexdigest()
    return {"plan.csv": text.getvalue(), "plan.toml": PLAN.format(number=number, digest=digest, edition=edition)}


def make(number: int, into: Path, plans: int = 0) -> None:
    """Write a recipe with so many documents, and so many plans that cite their measures."""
    shutil.copytree(ROOT / "build", into)
    real = into / "sources" / REAL
    settings = (real / "source.toml").read_text(encoding="utf-8")
    text = next(real.glob("*.txt")).read_bytes().decode()
    for each in range(1, number):
        folder = into / "sources" / f"edition-{each:04}"
        folder.mkdir()
        content = document(text, each).encode()
        (folder / "measures.txt").write_bytes(content)
        described = source(settings, each, hashlib.sha256(content).hexdigest())
        (folder / "source.toml").write_text(described, encoding="utf-8")
    keys = [REAL, *(f"edition-{each:04}" for each in range(1, number))]
    listed = [cells[1] for line in text.splitlines() if _ROW.match(line) for cells in [line.split("\t")]]
    for each in range(plans):
        folder = into / "plans" / f"plan-{each:04}"
        folder.mkdir(parents=True)
        for name, content in plan(each, keys[each % number], listed).items():
            (folder / name).write_text(content, encoding="utf-8")


def main() -> None:
    """Make what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", type=int)
    parser.add_argument("recipe", type=Path, help="folder that is not there yet")
    parser.add_argument("--plans", type=int, default=0, help="plans of municipalities that cite the measures")
    arguments = parser.parse_args()
    make(arguments.documents, arguments.recipe, arguments.plans)


if __name__ == "__main__":
    main()
