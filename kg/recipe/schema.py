"""Schema of the recipe: the grammar of `tables.toml`, which describes table columns and TOML settings.

Its terms are those of the Frictionless Table Schema (name, type, required, unique, pattern, enum), with titles in two
languages; messages about a value use them. Checks such as check digits, which no pattern expresses, find mistyped
identifiers before they become wrong links.
"""

import dataclasses
import datetime
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyoxigraph import NamedNode

from kg.core.errors import Problem, RecipeError
from kg.core.paths import read_text

_ISNI = re.compile(r"[0-9]{15}[0-9X]")


def is_corporate_number(text: str) -> bool:
    """Return whether a text is a corporate number (法人番号): 13 digits, the first of them the check digit.

    Order of the Ministry of Finance No. 70 of 2014, Article 2: the check digit is 9 minus the sum modulo 9 of the other
    digits, weighted 1 and 2 alternately from the last one.
    """
    if not (len(text) == 13 and text.isascii() and text.isdigit()):
        return False
    total = sum(int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(text[1:])))
    return int(text[0]) == 9 - total % 9


def is_local_government_code(text: str) -> bool:
    """Return whether a text is a local-government code (全国地方公共団体コード), 6 digits.

    The last one is the check digit (JIS X 0402): the last digit of 11 minus the sum modulo 11 of the other digits,
    weighted 6, 5, 4, 3, 2.
    """
    if not (len(text) == 6 and text.isascii() and text.isdigit()):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, (6, 5, 4, 3, 2), strict=False))
    return int(text[5]) == (11 - total % 11) % 10


def is_isni(text: str) -> bool:
    """Return whether a text is an ISNI: 16 characters, the last one the check character by ISO 7064 MOD 11-2."""
    if not _ISNI.fullmatch(text):
        return False
    total = 0
    for digit in text[:15]:
        total = (total + int(digit)) * 2
    return text[15] == "0123456789X"[(12 - total % 11) % 11]


def is_address(text: str) -> bool:
    """Return whether a text is an http(s) URL in ASCII with a host that is a valid IRI."""
    try:
        NamedNode(text)
        return text.isascii() and text.startswith(("http://", "https://")) and bool(urlsplit(text).hostname)
    except ValueError:
        return False


def is_expression(text: str) -> bool:
    """Return whether a text is a valid regular expression."""
    try:
        re.compile(text)
    except re.error:
        return False
    return True


# Checks by their name in `tables.toml`, with the description of a valid value.
CHECKS: dict[str, tuple[Callable[[str], bool], str]] = {
    "corporate-number": (is_corporate_number, "a corporate number of 13 digits with the right check digit"),
    "local-government-code": (
        is_local_government_code,
        "a local-government code of 6 digits with the right check digit",
    ),
    "isni": (is_isni, "an ISNI of 16 characters with the right check character"),
    "address": (is_address, "an address in ASCII such as https://example.org/page"),
    "regular-expression": (is_expression, "a regular expression"),
}


DESCRIPTIONS = "tables.toml"
TOML = ".toml"  # suffix of the name of a description of settings, as opposed to a table
_LIST = list  # `list` is also a name of the grammar
_TYPES: dict[str, tuple[type, str]] = {
    "string": (str, "a text in quotation marks"),
    "date": (datetime.date, "a date such as 2026-11-23, without quotation marks"),
    "integer": (int, "a whole number"),
    "list": (list, "a list of texts"),
    "pair": (list, 'a pair of texts: ["日本語", "English"]'),
}
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# Characters for spacing and direction that are copied along with text; kana and letters with a decomposed mark.
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069]")
_DECOMPOSED = re.compile("[a-zA-Zか-とは-ほカ-トハ-ホうウ][\u0300-\u030c\u3099\u309a]")
_ONE_LINE = ("label_", "title_", "name")  # prefixes of fields that are shown as names


@dataclass(frozen=True)
class Field:
    """Description of one column or setting."""

    name: str
    title_ja: str
    title_en: str
    type: str = "string"
    required: bool = False
    unique: bool = False
    pattern: str = ""
    enum: tuple[str, ...] = ()
    list: bool = False
    keep_space: bool = False
    refers_to: str = ""
    needs: str = ""
    check: str = ""
    past: bool = False

    def problem(self, value: str, file: Path, line: int) -> Problem | None:
        """Return the problem of a table value, or None."""
        if complaint := self.complaint(value):
            remedy = f"write what {DESCRIPTIONS} says of {self.name}: {self.title_ja} – {self.title_en}"
            return Problem(complaint, remedy, file, line)
        return None

    def setting_problem(self, name: str, value: Any, file: Path) -> Problem | None:
        """Return the problem of a TOML value under a key, or None."""
        complaint = self._type_complaint(name, value)
        if isinstance(value, str):
            complaint = complaint or self._character_complaint(name, value) or self.complaint(value)
        if complaint:
            remedy = f"write what {DESCRIPTIONS} says of {self.name}: {self.title_ja} – {self.title_en}"
            return Problem(complaint, remedy, file)
        return None

    def check_characters(self, value: str, file: Path, line: int) -> Problem | None:
        """Return the problem of a cell with invisible or decomposed characters, or None.

        A field that keeps its spaces holds the exact text of a document, and is not checked.
        """
        if self.keep_space:
            return None
        if invalid := _CONTROL.search(value) or _INVISIBLE.search(value):
            fact = f"{self.name} holds U+{ord(invalid.group()):04X}, an invisible character"
            return Problem(fact, "delete the character; was the file saved in another encoding?", file, line)
        if self.name.startswith(_ONE_LINE) and "\n" in value.replace("\r", "\n"):
            return Problem(f"{self.name} holds a line break", "write it in one line", file, line)
        if decomposed := _DECOMPOSED.search(value):
            fact = f"{self.name} holds {decomposed.group()!r} as two characters"
            return Problem(fact, "write it as one, composed (NFC)", file, line)
        return None

    def missing(self, file: Path) -> Problem:
        """Return the problem of a missing setting."""
        remedy = f"write what {DESCRIPTIONS} says of {self.name}: {self.title_ja} – {self.title_en}"
        return Problem(f"{self.name} missing", remedy, file)

    def _type_complaint(self, name: str, value: Any) -> str:
        kind, words = _TYPES[self.type]
        fits = isinstance(value, kind) and not isinstance(value, bool | datetime.datetime)
        if fits and isinstance(value, _LIST):
            fits = all(isinstance(part, str) and part.strip() for part in value)
            fits = fits and (self.type == "list" or len(value) == 2)
        if fits:
            return ""
        shown = value.isoformat() if isinstance(value, datetime.date | datetime.time) else repr(value)
        return f"{name} is {shown}; it must be {words}"

    def _character_complaint(self, name: str, value: str) -> str:
        if not value.strip():
            return f"{name} is empty"
        if invalid := _CONTROL.search(value):
            return f"{name} holds the control character U+{ord(invalid.group()):04X}"
        if name.startswith(_ONE_LINE) and "\n" in value.replace("\r", "\n"):
            return f"{name} holds a line break"
        return ""

    def complaint(self, value: str) -> str:
        """Return the problem of one value as a text, or an empty string."""
        if not value:
            return f"{self.name} is empty" if self.required else ""
        if self.enum and value not in self.enum:
            return f"{self.name} is {value!r}; it must be one of {', '.join(self.enum)}"
        if self.pattern and not re.fullmatch(self.pattern, value):
            return f"{self.name} is {value!r}; it must match {self.pattern}"
        if self.type == "date" and not _is_date(value):
            return f"{self.name} is {value!r}; it must be a date such as 2026-11-23"
        if self.check:
            fits, words = CHECKS[self.check]
            return "" if fits(value) else f"{self.name} is {value!r}; it must be {words}"
        return ""


def _is_date(value: str) -> bool:
    try:
        return value == datetime.date.fromisoformat(value).isoformat()
    except ValueError:
        return False


def read_toml(file: Path) -> dict[str, Any]:
    """Return the content of a TOML file; raise RecipeError if it is missing or malformed."""
    try:
        return tomllib.loads(read_text(file, RecipeError))
    except OSError as error:
        raise RecipeError(Problem(f"cannot be read: {error.strerror}", "put the file back", file)) from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(Problem(f"is not valid TOML: {error}", "correct the syntax at that place", file)) from error


def read_descriptions(folder: Path) -> dict[str, tuple[Field, ...]]:
    """Return the columns of each table and the settings of each TOML file, by `tables.toml`.

    Raises RecipeError with all invalid descriptions.
    """
    file = folder / DESCRIPTIONS
    described: dict[str, tuple[Field, ...]] = {}
    problems: list[Problem] = []
    for name, table in read_toml(file).items():
        try:
            described[name] = tuple(_field(field) for field in table["fields"])
        except (KeyError, TypeError, ValueError) as error:
            remedy = "describe each column with name, title_ja, title_en and the words explained at the top of the file"
            problems.append(Problem(f"[{name}] is not a description of a table: {error}", remedy, file))
    problems.extend(_undefined_names(described, file))
    if problems:
        raise RecipeError(*problems)
    return described


def _field(given: dict[str, Any]) -> Field:
    """Return a description; raise TypeError or ValueError for an unknown or unusable key."""
    keys = {word.name: word for word in dataclasses.fields(Field)}
    if unknown := sorted({*given} - {*keys}):
        raise ValueError(f"{unknown[0]} is not one of {', '.join(keys)}")
    field = Field(**{**given, "enum": tuple(given.get("enum", ()))})
    wrong = [name for name, word in keys.items() if name != "enum" and type(getattr(field, name)) is not word.type]
    wrong += [] if all(isinstance(one, str) for one in field.enum) else ["enum"]
    if wrong:
        raise ValueError(f"{wrong[0]} of {field.name}")
    if field.type not in _TYPES:
        raise ValueError(f"{field.type} is not one of {', '.join(_TYPES)}")
    try:
        re.compile(field.pattern)
    except re.error as error:
        raise ValueError(f"{field.pattern}: {error}") from error
    return field


def _undefined_names(described: Mapping[str, Sequence[Field]], file: Path) -> list[Problem]:
    """Return the problems of descriptions that refer to an unknown table, column or check."""
    return [
        Problem(f"[{name}] {field.name} names {word!r}, which is not described", "correct the name", file)
        for name, fields in described.items()
        for field in fields
        for word, defined in (
            (field.refers_to, described),
            (field.needs, {other.name for other in fields}),
            (field.check, CHECKS),
        )
        if word and word not in defined
    ]
