"""What is installed, and what pages load, may be used and passed on: the licences that are allowed, with reasons."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "kg" / "static" / "made"
# SPDX identifiers, https://spdx.org/licenses/. All but MPL-2.0 let a program that uses the package have any licence.
ALLOWED = {
    "Apache-2.0": "our own",
    "BSD-2-Clause": "permissive",
    "BSD-3-Clause": "permissive",
    "MIT": "permissive",
    "PSF-2.0": "permissive, Python's own",
    "W3C-20150513": "permissive, W3C's software licence",
    "W3C": "permissive, W3C's software licence of 2002",
    "MPL-2.0": "binds changes to its own files; we change none and link by import",
}
# What is installed with a server binds in this one package only; what builds and tests may, too.
BINDING = {"certifi": "MPL-2.0"}
# What metadata before PEP 639 say: in the field License, else in a classifier (“BSD License” has 2 or 3 clauses).
CALLED = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD 3-Clause OR Apache-2.0": "BSD-3-Clause OR Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "W3C SOFTWARE NOTICE AND LICENSE": "W3C",
    "W3C License": "W3C",
}


def locked(lock: str) -> dict[str, str]:
    """Return name and version of each package of a lock that this environment needs, or may need."""
    return dict(
        re.findall(
            r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;]+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE
        )
    )


def licence_of(found: Distribution) -> str:
    """Return the licence of a package as an SPDX expression; empty where neither metadata nor file tell it."""
    metadata = found.metadata
    classifiers = [one.rpartition(" :: ")[2] for one in metadata.get_all("Classifier", []) if one.startswith("Lic")]
    for said in (metadata.get("License-Expression"), metadata.get("License"), *classifiers):
        spdx = CALLED.get(said or "", said or "")
        if re.fullmatch(r"[A-Za-z0-9.-]+(?: (?:AND|OR) [A-Za-z0-9.-]+)*", spdx):
            return spdx
    texts = [file.read_text() for file in found.files or () if file.name.upper().startswith("LICENSE")]
    return "MIT" if any(text and text.lstrip().startswith("MIT License") for text in texts) else ""


def allowed(expression: str) -> bool:
    """Whether an SPDX expression, without brackets, can be met by what is allowed: AND binds closer than OR."""
    choices = (choice.split(" AND ") for choice in expression.split(" OR "))
    return any(ALLOWED.keys() >= set(choice) for choice in choices)


@pytest.mark.parametrize("lock", ["locks/kg.lock", "locks/tests.lock"])
def test_the_licence_of_each_package_is_allowed(lock: str) -> None:
    """The metadata of each package that a lock installs name a licence of the list; a server has one that binds."""
    licences = {}
    for name in locked(lock):
        try:
            licences[name] = licence_of(distribution(name))
        except PackageNotFoundError:  # of another system, or another Python
            continue

    assert len(licences) > 30
    assert {name: licence for name, licence in licences.items() if not allowed(licence)} == {}
    if lock == "locks/kg.lock":
        assert {name: licence for name, licence in licences.items() if licence == "MPL-2.0"} == BINDING


@pytest.mark.skipif(not (SCRIPTS / "licences.txt").exists(), reason="the scripts of the pages are not made (./run)")
def test_the_scripts_of_the_pages_carry_the_licences_of_what_they_hold() -> None:
    """Beside the bundle stand name, version, licence and its whole text of each package in it; the bundle says so."""
    packages = (SCRIPTS / "licences.txt").read_text(encoding="utf-8").split(f"\n{'-' * 80}\n\n")
    for package in packages:
        head, _, text = package.partition("\n\n")
        match = re.fullmatch(r"(\S+) (\d[\d.]*) \((.+)\)", head)
        assert match and allowed(match[3]), head
        assert "Copyright" in text and "Permission is hereby granted" in text, head
    names = {package.split(" ")[0] for package in packages}
    assert {"@codemirror/view", "@codemirror/state", "@lezer/common"} <= names
    assert "licences.txt" in (SCRIPTS / "editor.js").read_text(encoding="utf-8")[:200]
