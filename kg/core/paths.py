"""Folders of the project, decoding of text files, and resources of the machine.

In a checkout the folders of the declarative files are next to `kg/`; an installed wheel has them in `kg/declared/`.
Releases go to `out/` of a checkout, else to the user's data folder; for a user without a home, as in a container, to
`out/` in the current folder.

Text files are read as UTF-8, or in the encoding of their byte order mark. Another encoding is never assumed, only
named in the error message, so that the owner of the file can save it as UTF-8.

`processor_count` and `available_memory` are the resources available to this process. Linux only.
"""

import codecs
import os
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from platformdirs import user_data_path

from kg.core.errors import KgError, Problem

# The longer marks first: that of UTF-32 begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# File types that are mistaken for text files.
_ARCHIVES = {b"PK\x03\x04": "an Excel workbook, or another ZIP file", b"\xd0\xcf\x11\xe0": "an old Excel file"}
_CODECS = {"Shift_JIS": "cp932", "EUC-JP": "euc_jp"}
_JAPANESE = re.compile(
    r"[\u3001-\u30ff\u3400-\u9fff\uff01-\uff60]"
)  # without half-width kana, which EUC-JP text would match
_MIN_JAPANESE_SHARE = 0.7  # of the non-ASCII characters
_ISO_2022_ESCAPE = re.compile(rb"\x1b\$[@B]")


def read_text(file: Path, error: type[KgError], remedy: str = "") -> str:
    """Return the text of a file without a byte order mark; raise `error`, with file and line, if it is not text.

    Raises OSError if the file cannot be read.
    """
    return decode(file.read_bytes(), file, error, remedy)


def decode(content: bytes, file: Path | str, error: type[KgError], remedy: str = "") -> str:
    """Decode the content of a file, keeping its line ends; raise `error` if it is not text."""
    encoding = bom_encoding(content)
    try:
        text = content.decode(encoding or "utf-8")
    except UnicodeDecodeError as reason:
        raise error(_problem(content, reason.start, file, remedy)) from reason
    if not encoding and (found := _hidden_encoding(content)):
        raise error(_problem(content, found.start(), file, remedy))
    return text


def bom_encoding(content: bytes) -> str:
    """Return the encoding of the byte order mark; empty if there is none."""
    return next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "")


def guess_encoding(content: bytes) -> str:
    """Return the probable encoding or file type of bytes; empty if none is recognized."""
    if found_archive := next((name for sign, name in _ARCHIVES.items() if content.startswith(sign)), ""):
        return found_archive
    if (name := bom_encoding(content)) not in ("", "utf-8-sig"):
        return name.upper()
    if found := _hidden_encoding(content):
        return "UTF-16" if found.group() == b"\0" else "ISO-2022-JP"
    shares = {name: _japanese_share(content, codec) for name, codec in _CODECS.items()}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] > _MIN_JAPANESE_SHARE else ""


def _hidden_encoding(content: bytes) -> re.Match[bytes] | None:
    """Return the first sign of an encoding whose ASCII text is valid UTF-8: UTF-16, ISO-2022-JP."""
    if content.count(0) > len(content) // 8:
        return re.search(rb"\0", content)
    return _ISO_2022_ESCAPE.search(content) if content.isascii() else None


def _japanese_share(content: bytes, codec: str) -> float:
    """Return the share of Japanese among the non-ASCII characters; 0 if the bytes are invalid in the encoding."""
    try:
        beyond = [char for char in content.decode(codec) if not char.isascii()]
    except UnicodeDecodeError:
        return 0
    return len(_JAPANESE.findall("".join(beyond))) / len(beyond) if beyond else 0


def _problem(content: bytes, at: int, file: Path | str, remedy: str) -> Problem:
    line = content[:at].count(b"\n") + 1
    remedy = remedy if remedy else "save it as UTF-8"
    if found := guess_encoding(content):
        return Problem(f"is not UTF-8: this looks like {found}", remedy, file, line)
    return Problem(f"is not UTF-8: byte 0x{content[at]:02x} at offset {at}", remedy, file, line)


DISTRIBUTION = "shisaku-graph"
LEDGER = "identifiers.csv"  # in the recipe: every identifier that was published
# Files at the top of the project that are part of the documentation.
TOP_FILES = (
    "README.md",
    "README.ja.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "LICENSE-DATA.md",
    "LICENSE",
)


@dataclass(frozen=True)
class Folders:
    """Folders of the project. `checkout` is whether they are those of a checkout, which are meant to be edited.

    TOP_FILES are next to `docs`.
    """

    recipe: Path
    ontology: Path
    shapes: Path
    queries: Path
    docs: Path
    out: Path
    checkout: bool


@cache  # called for every page
def _is_checkout(root: Path) -> bool:
    """True if `root` has the pyproject.toml of this distribution."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False
    return bool(project.get("project", {}).get("name") == DISTRIBUTION)


def project_folders(recipe: Path | None = None, out: Path | None = None) -> Folders:
    """Return the folders of the project; `recipe` and `out` replace the default ones."""
    package = Path(__file__).parents[1]
    checkout = _is_checkout(package.parent)
    root = package.parent if checkout else package / "declared"
    return Folders(
        recipe=recipe or root / "build",
        ontology=root / "ontology",
        shapes=root / "shapes",
        queries=root / "queries",
        docs=root / "docs",
        out=out or (root / "out" if checkout else _user_folder()),
        checkout=checkout,
    )


def _user_folder() -> Path:
    """Return the folder for the releases of an installed program."""
    try:
        return user_data_path(DISTRIBUTION, appauthor=False)
    except RuntimeError:  # neither HOME nor an entry in passwd
        return Path("out")


def processor_count() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0))


def available_memory() -> int:
    """Return the memory in bytes available to this process and its children (of the machine and its control group)."""
    fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    limit = Path("/sys/fs/cgroup/memory.max")
    allowed = limit.read_text(encoding="ascii").strip() if limit.exists() else ""
    machine = int(fields["MemAvailable"].split()[0]) * 1024
    return min(machine, int(allowed)) if allowed.isdecimal() else machine
