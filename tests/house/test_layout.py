"""The house rules that a reader relies on: what kind of file lives where, how long it is, what it may name."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECLARED = ("build", "ontology", "queries", "shapes")

LONGEST_FILE = 500
LONGEST_FUNCTION = 40
# "kg/file.py" or "kg/file.py:function": why it may be longer. An entry that is no longer needed fails, too.
LONGER: dict[str, str] = {}

# A machine's own folders. A path inside an address (example.org/home) is none of them.
MACHINE_PATH = re.compile(r"(?:(?<![\w.:/*-])|file://)/(?:root|home|Users|work)/[\w.]")


def git(*words: str) -> subprocess.CompletedProcess[str]:
    """Run git in the checkout, with names as they are."""
    command = ["git", "-c", "core.quotepath=off", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Return every file that is committed or could be, relative to the checkout."""
    listed = git("ls-files", "--cached", "--others", "--exclude-standard")
    if listed.returncode:
        pytest.skip(f"not a git checkout: {listed.stderr}")
    return [Path(name) for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def lengths(files: list[Path]) -> Iterator[tuple[str, int, int]]:
    """Yield each file of kg/ and each function in it: name, lines, lines allowed."""
    for file in files:
        if file.parts[0] == "kg" and file.suffix == ".py":
            text = (ROOT / file).read_text(encoding="utf-8")
            yield str(file), len(text.splitlines()), LONGEST_FILE
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    assert node.end_lineno is not None
                    yield f"{file}:{node.name}", node.end_lineno - node.lineno + 1, LONGEST_FUNCTION


def test_no_program_among_the_declarative_files(files: list[Path]) -> None:
    """A curator's folders hold no Python; `import build` and `python -m build` stay free for pypa/build."""
    assert {file.parts[0] for file in files} >= set(DECLARED)
    assert [file for file in files if file.parts[0] in DECLARED and file.suffix in {".py", ".pyi", ".pyc"}] == []


def test_no_drawer_for_odds_and_ends(files: list[Path]) -> None:
    """Each module is named for what it holds: there is no utils, helpers, common or misc, as file or as folder."""
    modules = [file for file in files if file.suffix == ".py"]
    assert modules
    assert [file for file in modules if {"utils", "helpers", "common", "misc"} & {*file.parts[:-1], file.stem}] == []


def test_files_and_functions_are_short(files: list[Path]) -> None:
    """A file of kg/ has at most 500 lines and a function at most 40, unless LONGER says why it has more."""
    measured = list(lengths(files))
    assert measured
    long = {name: lines for name, lines, allowed in measured if lines > allowed}
    assert {name: lines for name, lines in long.items() if name not in LONGER} == {}
    assert sorted(set(LONGER) - set(long)) == [], "these are short enough now: take them out of LONGER"


def test_git_keeps_the_recipe_and_ignores_what_is_made(files: list[Path]) -> None:
    """The stock Python .gitignore drops build/; ours keeps it, and ignores .venv, releases and caches."""
    del files  # asked for its check that this is a git checkout
    kept = ["build/recipe.toml", "build/links/new.csv", "kg/recipe/table_loader.py", "queries/q.rq", "tests/bench/b.py"]
    made = [".venv/bin/python", "out/current", "dist/kg.whl", "kg/__pycache__/names.cpython-311.pyc", ".coverage"]
    ignored = git("check-ignore", "--no-index", *kept, *made)
    assert ignored.stdout.splitlines() == made


def test_nothing_names_a_machine(files: list[Path]) -> None:
    """No line of the repository names a folder of one machine or one user."""
    named = []
    for file in files:
        try:
            lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        named += [f"{file}:{number}: {line}" for number, line in enumerate(lines, 1) if MACHINE_PATH.search(line)]
    assert named == []


def test_the_machine_path_rule_can_tell() -> None:
    """The rule above finds a path where one stands, and leaves addresses and IRIs alone."""
    folder = "/ho" + "me/someone/data.csv"
    assert all(MACHINE_PATH.search(text) for text in (folder, f"at '{folder}'", f"file://{folder}", f"x={folder}"))
    assert not any(MACHINE_PATH.search(text) for text in (f"https://example.org{folder}", f"a{folder}", f"..{folder}"))


def test_the_readme_names_commands_that_exist() -> None:
    """The README has the two commands, and each `./run …` in it is a word that ./run or kg knows."""
    from kg.cli import main

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    words = set(re.findall(r"\./run ([a-z]\w*)", readme))
    assert {"serve", "test"} <= words
    assert words <= {"test", "help", "lint", "scripts", "lock", *main.commands}


def test_what_the_pages_say_of_files_is_so(files: list[Path]) -> None:
    """Each file or folder of this repository that a page in Markdown names in code is there."""
    roots = {file.parts[0] for file in files if len(file.parts) > 1}
    roots |= {file.parts[1] for file in files if len(file.parts) > 2 and file.parts[0] == "kg"}
    for page in (file for file in files if file.suffix == ".md"):
        for name in re.findall(r"`([\w.-]+/[\w./-]+)`", (ROOT / page).read_text(encoding="utf-8")):
            made = any(git("check-ignore", "-q", "--no-index", path).returncode == 0 for path in (name, f"{name}/"))
            if name.split("/")[0] in roots and not made:
                assert (ROOT / name).exists() or (ROOT / "kg" / name).exists(), f"{page} names {name}"
