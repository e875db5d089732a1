"""What is installed depends on the locks alone: closed, with hashes and without addresses, as the project asks."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = sorted(path.stem for path in (ROOT / "locks").iterdir())
# Where the project runs, as environment markers (PEP 508) tell it.
SYSTEMS = [
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "aarch64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
]
VERSIONS = ["3.11", "3.12", "3.13", "3.14"]
ENVIRONMENTS = [
    {**system, "python_version": version, "python_full_version": f"{version}.0", "implementation_name": "cpython",
     "platform_python_implementation": "CPython"}
    for system, version in product(SYSTEMS, VERSIONS)
]  # fmt: skip


@dataclass(frozen=True)
class Pin:
    """One package of a lock, with its hashes."""

    requirement: Requirement
    hashes: int

    @property
    def name(self) -> str:
        """The name by which packages are compared."""
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        """The version that is installed."""
        return str(self.requirement.specifier).removeprefix("==")

    def holds_in(self, environment: dict[str, str]) -> bool:
        """Whether it is installed in an environment."""
        return self.requirement.marker is None or self.requirement.marker.evaluate(environment)


def text_of(lock: str) -> str:
    """Return the text of a lock."""
    return (ROOT / "locks" / f"{lock}.lock").read_text(encoding="utf-8")


def pins(lock: str) -> list[Pin]:
    """Return the packages of a lock."""
    entries = re.split(r"^(?=[A-Za-z0-9])", re.sub(r"^\s*#.*\n", "", text_of(lock), flags=re.M), flags=re.M)
    return [Pin(Requirement(entry.split("\\")[0]), entry.count("--hash=sha256:")) for entry in entries if entry.strip()]


def versions(lock: str) -> dict[str, str]:
    """Return name and version of every package in a lock."""
    return {pin.name: pin.version for pin in pins(lock)}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_and_hashes_each_package_and_names_no_address(lock: str) -> None:
    """A lock says what to install and its hashes, never where from: each machine keeps its own index or mirror."""
    packages = pins(lock)
    assert packages
    assert [pin.name for pin in packages if not re.fullmatch(r"==[^,*]+", str(pin.requirement.specifier))] == []
    assert [pin.name for pin in packages if not pin.hashes] == []
    assert not re.search(r"://| @ |^\s*--(?!hash=)|^-", text_of(lock), flags=re.MULTILINE)


def missing(lock: str) -> Iterator[str]:
    """Yield what packages of a lock ask for, in some environment, and the lock does not install there."""
    packages = pins(lock)
    for pin in packages:
        try:
            wanted = distribution(pin.name).requires or []
        except PackageNotFoundError:  # of another system, or another Python
            continue
        for environment in (each for each in ENVIRONMENTS if pin.holds_in(each)):
            there = {other.name: other for other in packages if other.holds_in(environment)}
            for requirement in map(Requirement, wanted):
                needed = requirement.marker is None or any(
                    requirement.marker.evaluate({**environment, "extra": extra})
                    for extra in ("", *pin.requirement.extras)
                )
                found = there.get(canonicalize_name(requirement.name))
                if needed and not (found and requirement.specifier.contains(found.version, prereleases=True)):
                    yield f"{pin.name} on {environment['sys_platform']} {environment['python_version']}: {requirement}"
                elif needed and found and not requirement.extras <= found.requirement.extras:
                    yield f"{pin.name}: {requirement}, and the lock has {found.requirement} without that extra"


@pytest.mark.parametrize("lock", ["build", "kg", "tests"])
def test_a_lock_is_closed(lock: str) -> None:
    """All that a package asks for is in the lock, in a version that it allows, with the extras that it names.

    So nothing is resolved when it is installed, and what an index offers by then makes no difference.
    """
    assert len(pins(lock)) > 3
    assert sorted(set(missing(lock))) == []


def test_the_rule_of_closed_locks_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is taken out of a lock is told, with who asks for it."""
    kept = [pin for pin in pins("tests") if pin.name != "pluggy"]
    monkeypatch.setattr(sys.modules[__name__], "pins", lambda lock: kept)
    assert any(line.startswith("pytest on linux 3.11: pluggy") for line in missing("tests"))


def test_the_locks_cover_what_the_project_asks_for() -> None:
    """Each dependency in pyproject.toml, those of the tests and of the build too, is locked in a version it allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    asked = {
        "kg": project["project"]["dependencies"],
        "build": [*groups["build"], *project["build-system"]["requires"]],
        "tests": [text for text in groups["test"] if isinstance(text, str)],
    }
    for lock, texts in asked.items():
        locked = versions(lock)
        for requirement in map(Requirement, texts):
            version = locked.get(canonicalize_name(requirement.name))
            assert version is not None, f"{requirement} is not in locks/{lock}.lock: run ./run lock"
            assert requirement.specifier.contains(version), f"{requirement}, but locks/{lock}.lock has {version}"


def test_servers_are_installed_with_what_was_tested() -> None:
    """The lock for servers has the versions that were tested, and nothing of the tests."""
    served, tested = versions("kg"), versions("tests")
    assert served.items() < tested.items()
    assert versions("build").items() < tested.items()
    assert not {"pytest", "playwright", "mypy", "ruff"} & served.keys()


def test_the_lock_of_the_scripts_names_no_address() -> None:
    """Each package comes with its digest and without an address: whoever sets up chooses where packages come from."""
    for folder in ("kg/scripts", "tests/docs/comunica"):
        lock = json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))
        packages = {name: entry for name, entry in lock["packages"].items() if name}
        assert len(packages) > 10
        assert [name for name, entry in packages.items() if "resolved" in entry or "integrity" not in entry] == []


def test_the_environment_of_the_tests_is_what_the_lock_says() -> None:
    """Nothing newer has come in beside the lock, and all that is installed fits together."""
    for name, version in versions("tests").items():
        try:
            assert distribution(name).version == version
        except PackageNotFoundError:  # of another system
            continue
    checked = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
