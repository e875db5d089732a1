"""The wheel: what is in it, and that the program works from it alone, with no checkout in reach."""

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..support.distributions import Distributions

ROOT = Path(__file__).parents[2]
DECLARED = ("build", "docs", "ontology", "queries", "shapes")
COUNT = "SELECT (COUNT(*) AS ?triples) WHERE { ?s ?p ?o }"

# Runs kg as its console script does and writes down every file and folder that this process opens.
WITNESS = """
import atexit, json, os, sys
seen = set()
def note(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, bytes, os.PathLike)):
        seen.add(os.path.realpath(os.fsdecode(arguments[0])))
sys.addaudithook(note)
report = sys.argv.pop(1)
def write():
    with open(report, "w", encoding="utf-8") as file:
        json.dump(sorted(seen), file)
atexit.register(write)
from kg.cli import main
sys.argv[0] = "kg"
sys.exit(main())
"""


@dataclass(frozen=True)
class Installed:
    """A virtual environment that has kg from the wheel, and a folder of a user somewhere else."""

    venv: Path
    folder: Path

    def run(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the user's folder; no variable leads it to the checkout."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
        return subprocess.run(
            [str(self.venv / "bin" / command[0]), *command[1:]],
            cwd=self.folder,
            env={**kept, "HOME": str(self.folder)},
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )


@pytest.fixture(scope="session")
def wheel(distributed: Distributions) -> Path:
    """The wheel, as `pip install .` builds it."""
    return distributed.wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel. To be fast, it shares the dependencies of the running environment, which has no kg."""
    made = Installed(tmp_path_factory.mktemp("environment") / "venv", tmp_path_factory.mktemp("user"))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(made.venv)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(made.venv / "bin/python")]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (site,) = made.venv.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return made


def files_of(folder: str) -> list[Path]:
    """Return the files of a folder of the checkout."""
    return [file for file in (ROOT / folder).rglob("*") if file.is_file() and "__pycache__" not in file.parts]


def test_the_wheel_carries_every_file_unchanged(wheel: Path) -> None:
    """Program, templates, recipe, ontology, shapes and queries are in it byte for byte; no program among the recipe."""
    with zipfile.ZipFile(wheel) as archive:
        digest = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    for folder, inside in {"kg": "kg", **{name: f"kg/declared/{name}" for name in DECLARED}}.items():
        expected = {
            f"{inside}/{file.relative_to(ROOT / folder).as_posix()}": hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files_of(folder)
        }
        assert expected, f"{folder}/ is empty"
        assert {name: digest.get(name) for name in expected} == expected
    assert [name for name in digest if name.startswith("kg/declared/") and name.endswith(".py")] == []


def test_the_wheel_holds_the_program_and_nothing_beside_it(wheel: Path) -> None:
    """At its top the wheel has kg and its metadata only, so it never installs a package called build or tests."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"kg"}
    licences = {Path(name).name for name in names if ".dist-info/licenses/" in name}
    assert licences == {"LICENSE", "LICENSE-DATA.md"}


def test_the_program_works_from_the_wheel_alone(installed: Installed) -> None:
    """Help, check, build and query work from another folder; the release lands where --out says."""
    helped = installed.run("kg", "--help")
    assert helped.returncode == 0, helped.stderr
    assert {"check", "build", "query", "serve"} <= set(helped.stdout.split())
    checked = installed.run("kg", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    built = installed.run("kg", "build", "--out", "releases-here")
    assert built.returncode == 0, built.stderr
    assert (installed.folder / "releases-here/current/manifest.json").is_file()


@pytest.mark.exhaustive
def test_without_out_releases_go_to_the_users_data_folder(installed: Installed) -> None:
    """An installed kg writes nothing into its own package: build and query meet in the user's data folder."""
    (package,) = installed.venv.glob("lib/python*/site-packages/kg")
    before = sorted(file for file in package.rglob("*") if "__pycache__" not in file.parts)
    built = installed.run("kg", "build")
    assert built.returncode == 0, built.stderr
    counted = installed.run("kg", "query", "-", "--format", "csv", stdin=COUNT)
    assert counted.returncode == 0, counted.stderr
    heading, number = counted.stdout.split()
    assert heading == "triples"
    assert int(number) > 1000
    assert sorted(file for file in package.rglob("*") if "__pycache__" not in file.parts) == before


@pytest.mark.exhaustive
def test_a_user_without_a_home_needs_none(installed: Installed) -> None:
    """As in a container: a number that no account has, and no HOME. A release is made and asked where --out says."""
    nobody = ["unshare", "--user", "--map-user=10001", "--map-group=10001", "env", "-u", "HOME"]
    if subprocess.run([*nobody, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this user may not make a user namespace (unshare, util-linux)")
    kg = [*nobody, str(installed.venv / "bin/kg")]
    for command in (["build"], ["query", "titles-of-measures", "--format", "csv"]):
        done = subprocess.run(
            [*kg, *command, "--out", "of-nobody"], cwd=installed.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("measure,title\nhttps://w3id.org/shisaku/id/")


@pytest.mark.exhaustive
def test_nothing_is_read_from_the_checkout(installed: Installed) -> None:
    """While it builds, an installed kg opens no file of the checkout: neither code nor recipe."""
    report = installed.folder / "opened.json"
    built = installed.run("python", "-c", WITNESS, str(report), "build", "--out", "witnessed")
    assert built.returncode == 0, built.stderr
    opened = [Path(name) for name in json.loads(report.read_text(encoding="utf-8"))]
    package = installed.venv.resolve()
    assert any(file.name == "paths.py" or "paths.cpython" in file.name for file in opened if package in file.parents)
    assert any("declared" in file.parts for file in opened if package in file.parents)
    dependencies = Path(sysconfig.get_path("purelib")).resolve()
    strangers = [file for file in opened if ROOT in file.parents and not file.is_relative_to(dependencies)]
    assert strangers == []
