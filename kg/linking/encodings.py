"""How the text of a table is encoded: told by its bytes, or by the user."""

import codecs
from dataclasses import dataclass
from pathlib import Path

from kg.errors import Problem
from kg.linking.tables import TableError

UTF_8, CP932 = "utf-8", "cp932"
_NAMES = {UTF_8: "UTF-8", CP932: "Shift_JIS (CP932)", "euc_jp": "EUC-JP", "utf-16": "UTF-16"}
# Microsoft's superset, which is what Japanese files are in that call themselves Shift_JIS.
_MEANT = {"shift_jis": CP932, "utf-8-sig": UTF_8}
# In these a byte that ends a line is never a part of another character.
_BYTE_BY_BYTE = {UTF_8, CP932, "ascii", "euc_jp", "shift_jisx0213", "shift_jis_2004", "cp1252", "iso8859-1"}
# JIS has these; Unicode has each twice, and CP932 writes only the other one.
_TWINS = str.maketrans("〜−‖—–¢£¬", "~-∥―-¢£¬")
_UNWRITABLE = "〓"  # what Japanese printers set where they have no type
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
    if codec is None:
        raise TableError(Problem(f"it is in neither UTF-8 nor Shift_JIS{_first_fault(data)}", _REMEDY, file))
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
    return next((codec for codec in (UTF_8, CP932) if _fits(data, codec)), None)


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
