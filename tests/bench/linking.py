"""How many rows of a table `kg link` links in a second: python tests/bench/linking.py [rows] [--different SHARE]

The tables are made of the titles of the release with letters changed, words put behind them and particles left out, in
Shift_JIS as CSV and as Excel. `--different` says which share of the rows has a text of its own: a table where each row
names something else is the hard case, since a text is looked up once. The whole command is timed, with its start.
"""

import argparse
import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from openpyxl import Workbook

from kg.core.paths import project_folders
from kg.core.release import current_release

CHECKOUT = Path(__file__).parents[2]
BEHIND = ("事業", "(継続)", "の推進", "について", "業務", "に係る経費")


def texts(titles: Sequence[str], rows: int, different: float, chance: random.Random) -> Iterator[str]:
    """Yield the texts of the column: so many, of which that share stands in one row only."""
    for number in range(rows):
        title = chance.choice(titles)
        if chance.random() < different:
            place = chance.randrange(len(title))
            title = f"{title[:place]}{chance.choice('情報化施策市民')}{title[place + 1 :]}{chance.choice(BEHIND)}"
            title = f"{title} {number}課" if chance.random() < 0.5 else title.replace("の", "", 1)
        yield title


def tables(folder: Path, column: Sequence[str]) -> tuple[Path, Path]:
    """Write the table as CSV and as Excel, with other columns around the one that is looked at."""
    head, lines = ("番号", "施策名", "担当課", "予算額"), [(n, text, "企画課", n * 7) for n, text in enumerate(column)]
    text = folder / "table.csv"
    with text.open("w", encoding="cp932", errors="replace", newline="") as file:
        csv.writer(file).writerows([head, *lines])
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for line in (head, *lines):
        sheet.append(line)
    book.save(folder / "table.xlsx")
    return text, folder / "table.xlsx"


def timed(table: Path, *options: str) -> tuple[float, float, str]:
    """Return the seconds that a command took, those of the processor, and what it said at its end."""
    command = [sys.executable, "-m", "kg", "link", str(table), "--column", "施策名", *options]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True)
    took, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, worked, done.stderr.decode().strip().splitlines()[-1]


def main() -> None:
    """Print a line for each table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=10_000)
    parser.add_argument("--different", type=float, nargs="*", default=[0.1, 1.0])
    asked = parser.parse_args()
    release = current_release(project_folders().out)
    assert release, "run `kg build` first"
    with (release.folder / "measures.csv").open(encoding="utf-8", newline="") as file:
        titles = [row["title_ja"] for row in csv.DictReader(file)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for share in asked.different:
            column = [*texts(titles, asked.rows, share, random.Random(20191011))]
            text, excel = tables(folder, column)
            for table, out in ((text, folder / "out.csv"), (excel, folder / "out.xlsx")):
                took, worked, said = timed(table, "--out", str(out))
                rate = f"{took:6.1f} s, {worked:6.1f} s of processors, {asked.rows / took:8,.0f} rows/s"
                print(f"{table.suffix[1:]:4}  {len(set(column)):6,} different  {rate}   {said}")


if __name__ == "__main__":
    main()
