"""`./run`: what it says and does before our own program starts. Offline: stubs stand for Python, pip and uv.

The last test sets up for real, from an index on disk.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Stands for Python and its pip. It writes down what it is asked for (of pip: which lock is installed), copies itself
# into the .venv that it is asked to make, and hands snippets (-c) to the real Python.
STUB = """#!/bin/sh
case "$*" in
  *"-m venv"*) echo venv >>{journal}; {venv}; for last do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python" ;;
  *".whl/pip "*" config list") {config} ;;
  *".whl/pip "*" check") ;;
  *".whl/pip "*) for last do :; done; last=${{last##*/}}; echo ${{last%.lock}} >>{journal}; {pip} ;;
  *"-m kg"*) echo "kg in $PWD with PYTHONPATH=$PYTHONPATH: $*" ;;
  *) shift 3; exec {real} -I -S -c {prelude} "$@" ;;
esac
"""
SNIPPET = "code = sys.argv.pop(1); exec(code)"
COMPLETE = f"import sys; {SNIPPET}"
NO_ENSUREPIP = f"import sys; sys.modules['ensurepip'] = None; {SNIPPET}"
TOO_OLD = f"import sys; sys.version_info = (3, 9); {SNIPPET}"
SET_UP = ["venv", "installer", "kg"]  # what is made and installed to build and serve
OTHER = f"import sys; sys.base_prefix = '/other'; {SNIPPET}"


@dataclass(frozen=True)
class Checkout:
    """A folder with `run` and its lock, and a PATH that holds a few system tools and nothing else."""

    root: Path
    tools: Path
    journal: Path

    def stub(
        self,
        name: str = "stub-python",
        prelude: str = COMPLETE,
        venv: str = "true",
        pip: str = "true",
        config: str = "true",
    ) -> Path:
        """Write a stub Python into the PATH."""
        file = self.tools / name
        text = STUB.format(
            journal=shlex.quote(str(self.journal)),
            venv=venv,
            pip=pip,
            config=config,
            real=shlex.quote(sys.executable),
            prelude=shlex.quote(prelude),
        )
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)
        return file

    def start(self, *words: str, cwd: Path | None = None, **environment: str) -> subprocess.Popen[str]:
        """Start ./run."""
        return subprocess.Popen(
            [str(self.root / "run"), *words],
            cwd=cwd or self.root,
            env={"PATH": str(self.tools), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, *words: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ./run to its end."""
        process = self.start(*words, cwd=cwd, **environment)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def done(self) -> list[str]:
        """Return what the stubs were asked for, in order."""
        return self.journal.read_text(encoding="utf-8").split() if self.journal.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a checkout whose path has a space, and a PATH without any Python."""
    made = Checkout(tmp_path / "a checkout", tmp_path / "tools", tmp_path / "journal")
    made.root.mkdir()
    made.tools.mkdir()
    shutil.copy(ROOT / "run", made.root / "run")
    shutil.copytree(ROOT / "locks", made.root / "locks")
    for tool in ("sh", "dirname", "readlink", "cat", "cp", "mkdir", "mktemp", "mv", "rm", "sleep"):
        where = shutil.which(tool)
        assert where, tool
        (made.tools / tool).symlink_to(where)
    return made


def test_help_needs_no_python_and_works_from_any_folder(checkout: Checkout, tmp_path: Path) -> None:
    """`./run` and `./run --help` print a help with examples, in both languages, and set nothing up."""
    for words in ([], ["--help"], ["-h"]):
        done = checkout.run(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "./run serve" in done.stdout
        assert "./run test" in done.stdout
        assert "日本語" in done.stdout
    assert not (checkout.root / ".venv").exists()


def test_without_any_python_it_says_what_to_install(checkout: Checkout) -> None:
    """Where no Python is found, one clear message names what was tried, what to install and how to name another."""
    done = checkout.run("serve")
    assert done.returncode == 1
    assert "found no Python 3.11 or later (tried python3.14 python3.13 python3.12 python3.11 python3)" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr
    assert "PYTHON=" in done.stderr


@pytest.mark.parametrize("problem", ["missing", "too old"])
def test_a_python_that_is_named_but_unfit_is_not_replaced_in_silence(checkout: Checkout, problem: str) -> None:
    """PYTHON=… is taken at its word: an unfit one is an error that names it, even where another Python would do."""
    checkout.stub("python3")
    named = checkout.tools / "absent"
    if problem == "too old":
        named = checkout.stub(
            "old", prelude="import sys; sys.version_info = (3, 9); code = sys.argv.pop(1); exec(code)"
        )
    done = checkout.run("serve", PYTHON=str(named))
    assert done.returncode == 1
    assert f"PYTHON={named} is not a Python 3.11 or later" in done.stderr
    assert checkout.done() == []


def test_a_bare_debian_python_names_the_one_package(checkout: Checkout) -> None:
    """Where ensurepip is missing, the message names the versioned package that has it."""
    checkout.stub("python3", prelude=NO_ENSUREPIP)
    done = checkout.run("serve")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert done.returncode == 1
    assert f"apt-get install python{version}-venv" in done.stderr
    assert not (checkout.root / ".venv").exists()


def test_a_python_without_ensurepip_gives_way_to_a_complete_one(checkout: Checkout) -> None:
    """A newer Python that cannot make a .venv is passed over for an older one that can."""
    checkout.stub("python3.14", prelude=NO_ENSUREPIP)
    checkout.stub("python3")
    done = checkout.run("check")
    assert done.returncode == 0, done.stderr
    assert checkout.done() == SET_UP


def test_set_up_once_then_at_once(checkout: Checkout) -> None:
    """The first run says that it sets up; the second does not set up and says nothing of it."""
    checkout.stub("python3")
    first, second = checkout.run("check"), checkout.run("check")
    assert "Setting up (once" in first.stderr
    assert second.stderr == ""
    assert first.stdout == second.stdout
    assert checkout.done() == SET_UP


@pytest.mark.parametrize("change", ["lock", "moved", "stamp", "python", "PYTHON"])
def test_a_stale_venv_is_made_again(checkout: Checkout, change: str) -> None:
    """Another lock, another place, a broken set-up, a Python that is gone, another PYTHON: .venv is made again."""
    checkout.stub("python3")
    assert checkout.run("check").returncode == 0
    root = checkout.root
    python = ""
    if change == "lock":
        with (root / "locks/kg.lock").open("a", encoding="utf-8") as lock:
            lock.write("# another\n")
    elif change == "moved":
        root = root.rename(root.with_name("moved"))
    elif change == "stamp":
        (root / ".venv/.stamp-kg").unlink()
    elif change == "python":
        (root / ".venv/bin/python").unlink()
    else:
        python = str(checkout.stub("other", prelude=OTHER))
    again = Checkout(root, checkout.tools, checkout.journal).run("check", PYTHON=python)
    assert again.returncode == 0, again.stderr
    assert checkout.done() == SET_UP * 2


def test_two_runs_at_once_set_up_once(checkout: Checkout) -> None:
    """Of runs that start together one sets up; the others wait, say so, and then work."""
    checkout.stub("python3", pip="sleep 1")
    together = [checkout.start("check") for _ in range(3)]
    ended = [process.communicate(timeout=120) for process in together]
    assert [process.returncode for process in together] == [0, 0, 0]
    assert checkout.done() == SET_UP
    assert all("kg in" in out for out, _ in ended)
    assert sum("Setting up" in err for _, err in ended) == 1
    assert sum("waiting" in err for _, err in ended) == 2


def test_a_killed_set_up_blocks_nobody(checkout: Checkout) -> None:
    """After a set-up that was killed, the next run neither waits for ever nor trusts what is left."""
    checkout.stub("python3", pip="[ $last != kg.lock ] || exec sleep 1")
    dying = checkout.start("check")
    deadline = time.monotonic() + 20
    while "kg" not in checkout.done() and time.monotonic() < deadline:
        time.sleep(0.02)
    dying.kill()
    dying.wait(timeout=10)
    checkout.stub("python3")
    done = checkout.run("check")
    dying.communicate(timeout=10)
    assert done.returncode == 0, done.stderr
    assert checkout.done() == SET_UP * 2


def test_a_failed_installation_shows_why_and_is_not_kept(checkout: Checkout) -> None:
    """pip's words appear when it fails, and only then; the exit code says so and the next run tries again."""
    checkout.stub("python3", pip="echo THESE PACKAGES DO NOT MATCH THE HASHES; exit 1")
    failed = checkout.run("check")
    assert failed.returncode == 1
    assert "DO NOT MATCH THE HASHES" in failed.stderr
    checkout.stub("python3", pip="echo Collecting something")
    mended = checkout.run("check")
    assert mended.returncode == 0
    assert "Collecting" not in mended.stdout + mended.stderr


def test_a_set_up_that_broke_off_early_leaves_no_stamp(checkout: Checkout) -> None:
    """Nobody knows what a set-up that broke off has removed already, so what was there before it is not trusted."""
    checkout.stub("python3")
    assert checkout.run("check").returncode == 0
    breaking = checkout.stub("other", prelude=OTHER, venv="exit 1")
    assert checkout.run("check", PYTHON=str(breaking)).returncode == 1
    assert checkout.run("check").returncode == 0
    assert checkout.done() == [*SET_UP, "venv", *SET_UP]


def test_kg_runs_in_the_users_folder_with_the_checkout_importable(checkout: Checkout, tmp_path: Path) -> None:
    """Words reach kg as typed, in the user's own folder (so relative files work); kg itself is the checkout's."""
    checkout.stub("python3")
    user = tmp_path / "user's folder"
    user.mkdir()
    link = tmp_path / "link"
    link.symlink_to(checkout.root / "run")
    done = checkout.run("query", "my question.rq", cwd=user)
    assert done.stdout == f"kg in {user} with PYTHONPATH={checkout.root}: -m kg query my question.rq\n"
    linked = subprocess.run(
        [link, "check"], cwd=user, env={"PATH": str(checkout.tools)}, capture_output=True, text=True, check=True
    )
    assert linked.stdout == f"kg in {user} with PYTHONPATH={checkout.root}: -m kg check\n"


def test_help_of_a_command(checkout: Checkout) -> None:
    """`./run help serve` asks kg for the options of serve; `./run help` asks it for every command."""
    checkout.stub("python3")
    assert checkout.run("help", "serve").stdout.endswith(": -m kg serve --help\n")
    assert checkout.run("help").stdout.endswith(": -m kg --help\n")


def test_a_module_in_the_users_folder_hides_nothing(tmp_path: Path) -> None:
    """The real ./run takes kg from the checkout, also where the user's folder holds a kg of its own."""
    if sys.prefix != str(ROOT / ".venv"):
        pytest.skip("not started by ./run, so its .venv may be missing")
    (tmp_path / "kg").mkdir()
    (tmp_path / "kg/__init__.py").write_text("raise SystemExit('the wrong kg')", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [ROOT / "run", "check", "--help"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


def test_tests_that_are_named_go_to_pytest_alone(checkout: Checkout) -> None:
    """`./run test FOLDER -k x` hands the words to pytest, on all cores, without the exhaustive tests."""
    called(checkout, "pytest")
    done = checkout.run("test", "tests/a", "-k", "x y", cwd=checkout.tools)
    assert f"pytest in {checkout.root}: -n auto --dist worksteal -m not exhaustive tests/a -k x y\n" in done.stdout


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["tests/a.py::test_x"], "tests/a.py::test_x"),
        (["tests/a.py", "-m", "exhaustive"], "tests/a.py -m exhaustive"),
        (["--all", "tests/a"], "-n auto --dist worksteal tests/a"),
    ],
)
def test_exhaustive_tests_are_run_where_they_are_named(checkout: Checkout, words: list[str], given: str) -> None:
    """`::`, `-m` and `--all` choose exhaustive tests, too."""
    called(checkout, "pytest")
    assert f"pytest in {checkout.root}: {given}\n" in checkout.run("test", *words).stdout


def test_all_tests_are_two_passes_that_share_a_folder(checkout: Checkout) -> None:
    """`./run test --all` runs the checks, then the tests of every day with coverage, then the exhaustive ones.

    Both passes find the same folder in KG_TEST_SHARED; it is removed at the end.
    """
    called(checkout, "ruff", "mypy", "lint-imports")
    program(checkout, "pytest", 'echo "pass: $*"; echo "$KG_TEST_SHARED" >>../tools/shared; [ -d "$KG_TEST_SHARED" ]')
    done = checkout.run("test", "--all")
    first, second = (checkout.tools / "shared").read_text(encoding="utf-8").splitlines()
    assert done.returncode == 0, done.stderr
    assert "pass: -n auto --dist worksteal -m not exhaustive --cov\n" in done.stdout
    assert "pass: -n auto --dist worksteal -m exhaustive\n" in done.stdout
    assert first == second and not Path(first).exists()


def program(checkout: Checkout, name: str, text: str) -> None:
    """Write a program into .venv."""
    file = checkout.root / ".venv/bin" / name
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)


def called(checkout: Checkout, *names: str) -> None:
    """Set a checkout up for the tests, with programs in .venv that say how they are called."""
    checkout.stub("python3")
    assert checkout.run("test", "--version").returncode != 0  # there is no pytest yet
    assert checkout.done() == ["venv", "installer", "tests"]
    for name in names:
        program(checkout, name, f'echo "{name} in $PWD: $*"')


@pytest.mark.parametrize("failing", ["ruff", "mypy", "lint-imports", "pytest"])
def test_the_first_failing_check_ends_the_tests_and_is_named(checkout: Checkout, failing: str) -> None:
    """`./run test` runs its checks in order; the first that fails ends it with its name and a non-zero exit code."""
    called(checkout)
    order = ["ruff", "mypy", "lint-imports", "pytest"]
    for name in order:
        program(checkout, name, f"echo ran {name}; exit {int(name == failing)}")
    done = checkout.run("test")
    assert done.returncode == 1
    assert f"failed: {failing}" in done.stderr
    assert f"ran {failing}" in done.stdout
    assert all(f"ran {later}" not in done.stdout for later in order[order.index(failing) + 1 :])


def with_scripts(checkout: Checkout, npm: str) -> None:
    """Give a checkout scripts to bundle, and stubs of Node and npm in its PATH; a bundle holds the folder's name."""
    checkout.stub("python3")
    scripts = checkout.root / "kg/scripts"
    scripts.mkdir(parents=True)
    (checkout.root / "kg/static").mkdir()
    for name in ("package.json", "package-lock.json", "bundle.mjs"):
        (scripts / name).write_text("{}", encoding="utf-8")
    node = 'case $1 in -e) ;; *) mkdir -p "$2"; echo bundled >"$2/editor.js" ;; esac'
    for name, text in (("node", node), ("npm", f"echo npm >>{shlex.quote(str(checkout.journal))}; {npm}")):
        (checkout.tools / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (checkout.tools / name).chmod(0o755)
    for tool in ("cksum", "sed"):
        where = shutil.which(tool)
        assert where, tool
        (checkout.tools / tool).symlink_to(where)


def test_scripts_are_made_once_for_the_server(checkout: Checkout) -> None:
    """`./run serve` bundles the scripts of the pages, other commands do not; again only when their sources change."""
    with_scripts(checkout, npm="true")
    made = checkout.root / "kg/static/made/editor.js"

    assert checkout.run("check").returncode == 0
    assert not made.exists()
    first, second = checkout.run("serve"), checkout.run("serve")
    assert "Making the scripts of the pages" in first.stderr
    assert second.stderr == ""
    assert made.read_text(encoding="utf-8") == "bundled\n"
    (checkout.root / "kg/scripts/package.json").write_text("{ }", encoding="utf-8")
    assert "Making the scripts of the pages" in checkout.run("serve").stderr
    assert sorted(checkout.done()) == sorted([*SET_UP, "npm", "npm"])  # npm works meanwhile


def test_where_npm_is_out_of_reach_the_server_starts_without_scripts(checkout: Checkout) -> None:
    """It says so, goes on, keeps what was made before, and does not ask npm again until it is told to."""
    with_scripts(checkout, npm="echo no network >&2; exit 1")
    made = checkout.root / "kg/static/made/editor.js"
    made.parent.mkdir()
    made.write_text("before", encoding="utf-8")
    first, second = checkout.run("serve"), checkout.run("serve")

    assert first.returncode == 0
    assert "kg in" in first.stdout
    assert "no network" in first.stderr
    assert "To try again: ./run scripts" in first.stderr
    assert second.stderr == ""
    assert made.read_text(encoding="utf-8") == "before"
    assert "no network" in checkout.run("scripts").stderr
    assert sorted(checkout.done()) == sorted([*SET_UP, "npm", "npm"])  # npm works meanwhile


def test_tests_are_added_to_what_serves(checkout: Checkout) -> None:
    """`./run serve` installs what building and serving need; the first `./run test` adds the rest, and only that."""
    checkout.stub("python3")
    assert checkout.run("check").returncode == 0
    assert checkout.done() == SET_UP
    checkout.run("test", "--version")
    checkout.run("test", "--version")
    checkout.run("check")
    assert checkout.done() == [*SET_UP, "tests"]


def test_uv_installs_where_it_can_be_had(checkout: Checkout) -> None:
    """uv, once installed from its lock, installs the rest and checks it; pip is not used."""
    calls = shlex.quote(str(checkout.journal))
    uv = f'printf "#!/bin/sh\necho uv-\\$2 >>{calls}\n" >"${{0%/*}}/uv"; chmod +x "${{0%/*}}/uv"'
    (checkout.tools / "chmod").symlink_to(shutil.which("chmod") or "")
    checkout.stub("python3", pip=f"[ $last != installer.lock ] || {{ {uv}; }}")
    done = checkout.run("check")
    assert done.returncode == 0, done.stderr
    assert checkout.done() == ["venv", "installer", "uv-install", "uv-check"]


@pytest.mark.parametrize(
    "setting", ["global.index-url='https://mirror.example'", ":env:.no-index='1'", "global.proxy='p'"]
)
def test_where_pip_is_led_elsewhere_pip_installs(checkout: Checkout, setting: str) -> None:
    """Where pip's settings name another index or a proxy, uv, which does not know them, asks nobody."""
    checkout.stub("python3", config=f"echo {shlex.quote(setting)}")
    assert checkout.run("check").returncode == 0
    assert checkout.done() == ["venv", "kg"]


def wheel(folder: Path, name: str, version: str, *asks: str) -> str:
    """Write a wheel with one module, which asks for others; return its SHA-256."""
    file = folder / f"{name}-{version}-py3-none-any.whl"
    information = f"{name}-{version}.dist-info"
    metadata = "".join(f"Requires-Dist: {ask}\n" for ask in asks)
    contents = {
        f"{name}.py": f"version = {version!r}\n",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*contents, f"{information}/RECORD"])
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in {**contents, f"{information}/RECORD": record}.items():
            archive.writestr(path, text)
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("closed", [True, pytest.param(False, marks=pytest.mark.exhaustive)])
def test_newer_releases_in_the_index_change_nothing(checkout: Checkout, tmp_path: Path, closed: bool) -> None:
    """A real set-up by the pip that Python brings, from an index on disk that offers newer releases of what is pinned.

    What the lock says is installed, though a package asks for an extra of another; a lock that is not closed is told.
    """
    index = tmp_path / "index"
    index.mkdir()
    asking = wheel(index, "asking", "1.0", "wanted[more]>=1.0")
    wanted = wheel(index, "wanted", "1.0", 'extra>=1.0; extra == "more"')
    extra = wheel(index, "extra", "1.0")
    for name in ("asking", "wanted", "extra"):
        wheel(index, name, "2.0")
    lock = f"asking==1.0 --hash=sha256:{asking}\nwanted[more]==1.0 --hash=sha256:{wanted}\n"
    lock += f"extra==1.0 --hash=sha256:{extra}\n" if closed else ""
    (checkout.root / "locks/kg.lock").write_text(lock, encoding="utf-8")
    (checkout.tools / "python3").symlink_to(getattr(sys, "_base_executable", sys.executable))
    (checkout.root / "kg.py").write_text(
        "import asking, wanted; print(asking.version, wanted.version)", encoding="utf-8"
    )
    if not closed:  # an extra that is missing shows only where the package is used; a dependency is told at once
        (checkout.root / "locks/kg.lock").write_text(f"asking==1.0 --hash=sha256:{asking}\n", encoding="utf-8")
    done = checkout.run("serve", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(index), PIP_CONFIG_FILE=os.devnull)

    if closed:
        assert done.returncode == 0, done.stderr
        assert done.stdout == "1.0 1.0\n"
    else:
        assert done.returncode == 1
        assert "asking 1.0 requires wanted, which is not installed" in done.stderr
