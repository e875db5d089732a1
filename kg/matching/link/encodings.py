"""How the text of a table is encoded: told by its bytes, or by the user."""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kg.core.errors import Problem
from kg.matching.link.table import TableError

UTF_8, CP932, EUC_JP, ISO_2022_JP = "utf-8", "cp932", "euc_jp", "iso2022_jp"
_NAMES = {
    UTF_8: "UTF-8",
    CP932: "Shift_JIS (CP932)",
    EUC_JP: "EUC-JP",
    "euc_jis_2004": "EUC-JP",
    "utf-16": "UTF-16",
    ISO_2022_JP: "ISO-2022-JP",
    "iso2022_jp_ext": "ISO-2022-JP",
    "iso2022_jp_2004": "ISO-2022-JP",
}
# Microsoft's superset, which is what Japanese files are in that call themselves Shift_JIS.
_MEANT = {"shift_jis": CP932, "utf-8-sig": UTF_8}
# In these a byte that ends a line is never a part of another character.
_BYTE_BY_BYTE = {
    UTF_8,
    CP932,
    "ascii",
    EUC_JP,
    "euc_jis_2004",
    "shift_jisx0213",
    "shift_jis_2004",
    "cp1252",
    "iso8859-1",
}
# JIS has these; Unicode has each twice, and CP932 writes only the other one.
_TWINS = str.maketrans("〜−‖—–¢£¬", "~-∥―-¢£¬")
_UNWRITABLE = "〓"  # what Japanese printers set where they have no type
_SHIFT = re.compile(rb"\x1b[$(]")  # by which ISO-2022-JP goes from one set of characters to the next
_STRANGE = re.compile(
    "[\uff61-\uff9f\ue000-\uf8ff\u0080-\u00ff\u0370-\u052f\u2500-\u257f]"
)  # ョヒフ of EUC-JP read as CP932
_JAPANESE = re.compile("[\u3041-\u30ff\u4e00-\u9fff]")
_ONE = "open it where it was put together, and save it in one encoding, best as “CSV UTF-8”"
_REMEDY = "name its encoding with --encoding (utf-8, shift_jis, euc_jp, utf-16 …), or save it as “CSV UTF-8”"


@dataclass(frozen=True)
class Text:
    """The bytes of a text without its byte order mark; in `codec` every line end is one or two bytes of their own.

    `written` is the encoding that the file was in, which differs from `codec` where a line end is more than that.
    """

    data: bytes
    codec: str
    written: str
    mark: bytes = b""

    def called(self) -> str:
        """Return the name of the encoding for people."""
        return called(self.written) + (" with a byte order mark" if self.mark else "")


def called(codec: str) -> str:
    """Return the name of an encoding for people."""
    return _NAMES.get(codec, codec)


def codec_of(name: str) -> tuple[str, bytes]:
    """Return the codec that an encoding's name means, and the byte order mark that it asks for.

    Raise TableError where no text is encoded so.
    """
    try:
        found = codecs.lookup(name).name
        "施".encode(found, "replace")
    except (LookupError, UnicodeError) as error:
        remedy = "known are utf-8, utf-8-sig (with a byte order mark), shift_jis, euc_jp, utf-16 …"
        raise TableError(Problem(f"there is no encoding {name}", remedy)) from error
    return _MEANT.get(found, found), codecs.BOM_UTF8 if found == "utf-8-sig" else b""


def text_of(data: bytes, file: Path, name: str | None) -> Text:
    """Return the text of a file; raise TableError where its encoding is unknown or its bytes are not in it."""
    codec = codec_of(name)[0] if name else _told(data)
    if not name and codec not in (UTF_8, "utf-16") and (mixed := _mixed(data)):
        raise TableError(Problem(f"it mixes encodings: {mixed}", _ONE, file))
    if codec is None:
        fact = f"it is in neither UTF-8 nor Shift_JIS, EUC-JP or ISO-2022-JP{_first_fault(data)}"
        raise TableError(Problem(fact, _REMEDY, file))
    mark = codecs.BOM_UTF8 if codec == UTF_8 and data.startswith(codecs.BOM_UTF8) else b""
    data = data.removeprefix(mark)
    try:
        text = data.decode(codec)
    except UnicodeError as error:
        line = data[: getattr(error, "start", 0)].count(b"\n") + 1
        raise TableError(Problem(f"this is not {called(codec)}: {error}", _REMEDY, file, line)) from error
    if "\0" in text:
        raise TableError(Problem("it holds zero bytes, so it is no table as text, or in UTF-16", _REMEDY, file))
    return Text(data, codec, codec, mark) if codec in _BYTE_BY_BYTE else Text(text.encode(), UTF_8, codec)


def writable(text: str, codec: str) -> tuple[str, int]:
    """Return a text of ours as an encoding can write it, and how many characters it does not have: they become 〓."""
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        nearest = [_nearest(character, codec) for character in text]
        blank = _UNWRITABLE if _has(codec, _UNWRITABLE) else "?"
        return "".join(character or blank for character in nearest), nearest.count("")
    return text, 0


def _nearest(character: str, codec: str) -> str:
    twin = character.translate(_TWINS)
    return next((candidate for candidate in (character, twin) if _has(codec, candidate)), "")


def _has(codec: str, character: str) -> bool:
    return bool(character.encode(codec, "ignore"))


def _told(data: bytes) -> str | None:
    """Return the encoding that bytes tell, or None."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if _SHIFT.search(data) and (known := _first(data, (ISO_2022_JP, "iso2022_jp_ext", "iso2022_jp_2004"))):
        return known
    fitting = _first(data, (UTF_8, CP932))
    euc = _first(data, (EUC_JP, "euc_jis_2004")) if fitting != UTF_8 else None
    if euc and (fitting is None or _strangeness(data, euc) < _strangeness(data, CP932)):
        return euc
    return fitting


def _first(data: bytes, codecs: Iterable[str]) -> str | None:
    return next((codec for codec in codecs if _fits(data, codec)), None)


def _strangeness(data: bytes, codec: str) -> float:
    """Return what part of a text, read in an encoding, is of kinds of characters that tables hardly hold."""
    characters = [character for character in data.decode(codec) if character > "\x7f"]
    if codec == CP932 and all("｡" <= character <= "ﾟ" for character in characters):
        return 0.0  # half-width kana and nothing else: EUC-JP would have other bytes among them
    return sum(bool(_STRANGE.match(character)) for character in characters) / max(1, len(characters))


def _mixed(data: bytes) -> str:
    """Return which line is in which encoding, where lines in UTF-8 and in another stand in one file; else nothing."""
    found: dict[str, int] = {}
    for number, line in enumerate(data.splitlines(), 1):
        if not line.isascii():
            codec = UTF_8 if _fits(line, UTF_8) and _JAPANESE.search(line.decode()) else _told(line)
            found.setdefault(codec or "", number)
    if UTF_8 not in found or len(found) < 2:
        return ""
    return ", ".join(
        f"line {number} is {called(codec)}" if codec else f"line {number} is in none that is known"
        for codec, number in sorted(found.items(), key=lambda pair: pair[1])
    )


def _fits(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _first_fault(data: bytes) -> str:
    """Return where the bytes stop to be UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return f" (byte {data[error.start]:#04x} in line {data[: error.start].count(bytes([10])) + 1})"
    return ""
