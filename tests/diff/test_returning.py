"""A misreading that comes back in the next edition is no change of content: `kg diff` tells of it nothing."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest

from ..support.commands import kg
from ..support.recipes import replace, seal, short_recipe

FIRST, NEXT = "municipal-2019", "municipal-2020"
HEAD = "id,edition,line,action,printed,corrected,reason_ja,reason_en,evidence,decided_by,decided_on\n"
READ, MISREAD = "電子委任状に対応した", "電子委任伏に対応した"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of two editions with the same misreading, which is corrected in the first; one sentence has changed."""
    base = tmp_path_factory.mktemp("returning")
    recipe = short_recipe(base / "build")
    document = f"sources/{FIRST}/measures-2019.txt"
    replace(recipe, document, READ, MISREAD)
    seal(recipe)
    entry = f"c0001,{FIRST},,replace,{MISREAD},{READ},試験。,A test.,none,Tester,2026-11-01\n"
    (recipe / "corrections.csv").write_text(HEAD + entry, encoding="utf-8")
    shutil.copytree(recipe / "sources" / FIRST, recipe / "sources" / NEXT)
    replace(recipe, f"sources/{NEXT}/measures-2019.txt", "開催を検討している", "開催を予定している")
    settings = f"sources/{NEXT}/source.toml"
    seal_next(recipe)
    for old, new in ((FIRST, NEXT), ('plan = "2019"', 'plan = "2020"'), ("municipal-2018", FIRST)):
        replace(recipe, settings, old, new)
    replace(recipe, settings, "# revises", "revises")
    result = kg("build", "--recipe", recipe, "--out", base / "out")
    assert result.exit_code == 0, result.output
    return base / "out"


def seal_next(recipe: Path) -> None:
    """State the checksum of the second document."""
    settings = recipe / "sources" / NEXT / "source.toml"
    digest = hashlib.sha256((recipe / "sources" / NEXT / "measures-2019.txt").read_bytes()).hexdigest()
    text = re.sub(r'^sha256 = ".*"$', f'sha256 = "{digest}"', settings.read_text(encoding="utf-8"), flags=re.M)
    settings.write_text(text, encoding="utf-8")


def test_a_misreading_that_comes_back_is_no_change(out: Path) -> None:
    """What has changed in fact is told, and nothing else of the measures."""
    told = kg("diff", FIRST, NEXT, "--out", out, "--format", "json").stdout
    assert MISREAD not in told and "開催を予定している" in told
    backwards = kg("diff", NEXT, FIRST, "--out", out, "--format", "json").stdout
    assert MISREAD not in backwards
    assert json.loads(told)["things"]
