"""An installation as a stranger makes it: an empty environment, the wheel, and afterwards no network."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from ..support.distributions import Distributions, build

ROOT = Path(__file__).parents[2]
OLDEST = 11  # of Python 3, as pyproject.toml says
# Runs in a network namespace of its own, which has a loopback and nothing else: starts the server, asks it, ends it.
CUT_OFF = """
import socket, subprocess, sys, time, urllib.request
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
try:
    socket.create_connection(("192.0.2.1", 80), 2)
    sys.exit("there is a network")
except OSError:
    pass
server = subprocess.Popen([sys.argv[1], "serve", "--port", "8765", "--out", "made"])
try:
    for _ in range(600):
        try:
            answer = urllib.request.urlopen("http://127.0.0.1:8765/sparql?query=ASK%20%7B%20%3Fs%20%3Fp%20%3Fo%20%7D&format=csv")
            print(answer.read().decode().strip())
            break
        except OSError:
            time.sleep(0.2)
    page = urllib.request.urlopen("http://127.0.0.1:8765/doc/organization/mic?lang=en").read().decode()
    print("Ministry of Internal Affairs and Communications" in page)
finally:
    server.terminate()
    print(server.wait(30) in (0, -15))  # it hands the signal on, as systemd expects
"""


def run(*command: str | Path, cwd: Path, **more: str) -> str:
    """Run a command in an environment with nothing of the checkout in it; return what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KG_", "PYTHON"))}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**kept, "HOME": str(cwd), **more},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_source_distribution_makes_the_same_wheel(distributed: Distributions, tmp_path: Path) -> None:
    """What is built from the sdist is what the checkout makes, file by file; tests and docs are in it."""
    with tarfile.open(distributed.sdist) as archive:
        archive.extractall(tmp_path / "source")  # our own; Debian's Python 3.11 knows no filter
    (source,) = (tmp_path / "source").iterdir()
    build("-t", "wheel", "-d", tmp_path / "again", cwd=source)
    (again,) = (tmp_path / "again").glob("*.whl")

    assert again.name == distributed.wheel.name
    with zipfile.ZipFile(distributed.wheel) as one, zipfile.ZipFile(again) as other:
        digests = [{file.filename: file.CRC for file in archive.infolist()} for archive in (one, other)]
    assert digests[0] == digests[1]
    assert (source / "tests/deploy/test_install.py").is_file() and (source / "docs/linking.md").is_file()
    assert (source / "run").is_file() and (source / "locks/kg.lock").is_file()


def works(python: str | Path) -> bool:
    """Whether a Python runs and can make environments: a name in PATH may lead to none (pyenv), or to a part of one."""
    command = [str(python), "-c", "import ensurepip, venv"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def pythons() -> dict[str, str]:
    """Return the Pythons at hand that the program may be installed with, by their versions: this one, and others."""
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": sys.executable}
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for minor in range(OLDEST, OLDEST + 10):
        name = f"python3.{minor}"
        places = [shutil.which(name), *sorted(pyenv.glob(f"versions/3.{minor}.*/bin/{name}"))]
        for place in filter(None, places):
            if f"3.{minor}" not in found and works(place):
                found[f"3.{minor}"] = str(place)
    return found


@pytest.mark.exhaustive
@pytest.mark.parametrize("python", [pytest.param(path, id=version) for version, path in pythons().items()])
def test_an_installed_program_serves_without_a_network(distributed: Distributions, tmp_path: Path, python: str) -> None:
    """From the wheel and the lock for servers in an empty environment, with the network cut: it builds and answers."""
    run(python, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    pip = [tmp_path / "venv/bin/python", "-m", "pip", "install", "--quiet"]
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv and python != sys.executable:  # faster than pip, which is tried with one Python
        there = ["--python", tmp_path / "venv/bin/python", "--require-hashes", "-r", ROOT / "locks/kg.lock"]
        run(uv, "pip", "install", "--quiet", "--no-deps", *there, cwd=tmp_path, UV_SYSTEM_CERTS="1")
    else:
        run(*pip, "--no-deps", "--require-hashes", "-r", ROOT / "locks/kg.lock", cwd=tmp_path)
    run(*pip, "--no-deps", "--no-index", distributed.wheel, cwd=tmp_path)
    namespace = ["unshare", "--map-root-user", "--net"]
    run(tmp_path / "venv/bin/python", "-m", "pip", "check", cwd=tmp_path)
    if subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this user may not make a network namespace (unshare, util-linux)")
    said = run(*namespace, sys.executable, "-c", CUT_OFF, tmp_path / "venv/bin/kg", cwd=tmp_path)

    assert said.splitlines()[-3:] == ["true", "True", "True"]
