"""Text files as people save them: in UTF-8, or in what a byte order mark tells for sure; nothing else is guessed.

What a file in another encoding looks like is only told, so that its owner can save it as UTF-8.

Where the declarative files are and where releases go. Nothing else in `kg` knows.

In a checkout the folders stand beside `kg/`; in an installed wheel they are carried in `kg/declared/`. Releases go to
`out/` of a checkout and to the user's data folder otherwise; a user who has no home, as in a container, has `out/` in
the current folder.
"""

import codecs
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from platformdirs import user_data_path

from kg.core.errors import KgError, Problem

# The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What people save in the place of a text.
_ARCHIVES = {b"PK\x03\x04": "an Excel workbook, or another ZIP file", b"\xd0\xcf\x11\xe0": "an old Excel file"}
_CODECS = {"Shift_JIS": "cp932", "EUC-JP": "euc_jp"}
_JAPANESE = re.compile(r"[\u3001-\u30ff\u3400-\u9fff\uff01-\uff60]")  # no half-width kana: EUC-JP would look like them
_ENOUGH = 0.7  # of the characters beyond ASCII
_ESCAPE = re.compile(rb"\x1b\$[@B]")


def read_text(file: Path, error: type[KgError], remedy: str = "") -> str:
    """Return the text of a file without a byte order mark; raise the error, with file and line, where it is none.

    Raises OSError where the file cannot be read.
    """
    return decode(file.read_bytes(), file, error, remedy)


def decode(content: bytes, file: Path | str, error: type[KgError], remedy: str = "") -> str:
    """Return the text of bytes that came from a file, line ends as they are; raise the error where they are none."""
    encoding = marked(content)
    try:
        text = content.decode(encoding or "utf-8")
    except UnicodeDecodeError as reason:
        raise error(_problem(content, reason.start, file, remedy)) from reason
    if not encoding and (found := _disguised(content)):
        raise error(_problem(content, found.start(), file, remedy))
    return text


def marked(content: bytes) -> str:
    """Return the encoding that a byte order mark tells; empty where there is none."""
    return next((name for mark, name in _MARKS if content.startswith(mark)), "")


def looks_like(content: bytes) -> str:
    """Return the encoding that bytes look like; empty where they look like none that is known."""
    if found_archive := next((name for sign, name in _ARCHIVES.items() if content.startswith(sign)), ""):
        return found_archive
    if (name := marked(content)) not in ("", "utf-8-sig"):
        return name.upper()
    if found := _disguised(content):
        return "UTF-16" if found.group() == b"\0" else "ISO-2022-JP"
    shares = {name: _share(content, codec) for name, codec in _CODECS.items()}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] > _ENOUGH else ""


def _disguised(content: bytes) -> re.Match[bytes] | None:
    """Return the first sign of an encoding that passes for UTF-8 where text is ASCII: UTF-16, ISO-2022-JP."""
    if content.count(0) > len(content) // 8:
        return re.search(rb"\0", content)
    return _ESCAPE.search(content) if content.isascii() else None


def _share(content: bytes, codec: str) -> float:
    """Return which part of the characters beyond ASCII is usual in Japanese; 0 where an encoding does not fit."""
    try:
        beyond = [char for char in content.decode(codec) if not char.isascii()]
    except UnicodeDecodeError:
        return 0
    return len(_JAPANESE.findall("".join(beyond))) / len(beyond) if beyond else 0


def _problem(content: bytes, at: int, file: Path | str, remedy: str) -> Problem:
    line = content[:at].count(b"\n") + 1
    remedy = remedy if remedy else "save it as UTF-8"
    if found := looks_like(content):
        return Problem(f"is not UTF-8: this looks like {found}", remedy, file, line)
    return Problem(f"is not UTF-8: byte 0x{content[at]:02x} at offset {at}", remedy, file, line)


DISTRIBUTION = "shisaku-graph"
LEDGER = "identifiers.csv"  # in the recipe: every identifier that was published
# What lies at the top of the project and is read with the guide, to which it belongs.
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
    """The folders that the program works with; `checkout` says whether they are meant to be edited.

    TOP_FILES are beside `docs`.
    """

    recipe: Path
    ontology: Path
    shapes: Path
    queries: Path
    docs: Path
    out: Path
    checkout: bool


@cache  # it is asked for with every page
def _is_checkout(root: Path) -> bool:
    """Whether `root` holds the pyproject.toml of this very distribution."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False
    return bool(project.get("project", {}).get("name") == DISTRIBUTION)


def project_folders(recipe: Path | None = None, out: Path | None = None) -> Folders:
    """Return the folders in force; `recipe` and `out` replace the usual ones."""
    package = Path(__file__).parents[1]
    checkout = _is_checkout(package.parent)
    root = package.parent if checkout else package / "declared"
    return Folders(
        recipe=recipe or root / "build",
        ontology=root / "ontology",
        shapes=root / "shapes",
        queries=root / "queries",
        docs=root / "docs",
        out=out or (root / "out" if checkout else _folder_of_user()),
        checkout=checkout,
    )


def _folder_of_user() -> Path:
    """Return where an installed program keeps the releases of its user."""
    try:
        return user_data_path(DISTRIBUTION, appauthor=False)
    except RuntimeError:  # neither HOME nor an entry in passwd
        return Path("out")
