"""Characters that show nothing (a space of width zero, a soft hyphen, a variation selector) change no reading."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
from mutations import UNSEEN
from test_cases import rows_of

from kg.builder.document_reader import Tables
from kg.recipe import read_recipe

from ..support.commands import CHECKOUT

Read = Callable[..., Tables]
CELLS = {
    "title": "施策{}の名",
    "progress": "利用件数(令和{}2年度:1{}0件)",
    "listing": "令和2{}年度から",
    "marks": "\t\t\t○{}",
    "budget": "<予算{}事業名> A整備{}事業",
    "references": "https://x.go{}.jp/{}a.html",
    "number": "01{}-02",
    "organizations": "{}◎総{}務省、財務省",
}


@pytest.mark.parametrize("char", [*UNSEEN, "&#8203;", "&shy;"])
def test_what_shows_nothing_changes_no_value(read: Read, char: str) -> None:
    """Inside a number, a word, an address, a mark: the values are those without it, and the cell is as printed."""
    names = [name for name in CELLS if char in UNSEEN or name not in ("number", "marks")]
    without, _ = rows_of(read, [{name: CELLS[name].format("", "") for name in names}])
    tables, _ = rows_of(read, [{name: CELLS[name].format(char, char) for name in names}])
    for table in ("measures", "kpis", "targets"):
        assert tables[table] == without[table], table
    if char in UNSEEN:
        [document] = tables["documents"]
        assert document["printed_url"] == f"https://x.go{char}.jp/{char}a.html"
        assert f"施策{char}の名" in tables.n_triples().decode()


def test_what_shows_nothing_in_a_cell_of_the_recipe_is_left_out(tmp_path: Path) -> None:
    """A key or a name that was copied from a page with such characters is the key or name without them."""
    folder = tmp_path / "build"
    copytree(CHECKOUT / "build", folder)
    table = folder / "organizations.csv"
    text = table.read_text(encoding="utf-8")
    table.write_text(
        text.replace("mic,organization,総務省", "m\u200bic,organization\u2060,総\u00ad務省\ufe0f"), "utf-8"
    )
    code = read_recipe(folder).codes["organizations"]["mic"]
    assert (code.label_ja, code.row["kind"]) == ("総務省", "organization")
