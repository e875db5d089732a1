"""An Excel file as what it is: a zip file of parts. One part is exchanged, every other one stays to the byte."""

import posixpath
from copy import copy
from io import BytesIO
from pathlib import Path
from typing import IO
from xml.etree import ElementTree
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError

from kg.core.errors import Problem
from kg.matching.link.table import TableError

SAVE = "save it as .xlsx without a password"
_TYPES, _SIGNED = "[Content_Types].xml", "_xmlsignatures/"
_STRICT = b"http://purl.oclc.org/ooxml/"
# The names of Strict Open XML, and those that programs know better.
_USUAL = (
    (b"http://purl.oclc.org/ooxml/spreadsheetml/main", b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"),
    (
        b"http://purl.oclc.org/ooxml/officeDocument/",
        b"http://schemas.openxmlformats.org/officeDocument/2006/",
    ),
    (b"http://purl.oclc.org/ooxml/drawingml/", b"http://schemas.openxmlformats.org/drawingml/2006/"),
)
_KINDS = (  # by what the list of contents says that the whole is
    ("sheet.main+xml", ".xlsx"),
    ("sheet.macroEnabled.main+xml", ".xlsm"),
)
_READING = (BadZipFile, ZlibError, KeyError, ValueError, OSError, EOFError, RuntimeError, ElementTree.ParseError)


class Package:
    """The parts of an Excel file; raise TableError where it is none that can be read."""

    def __init__(self, data: bytes, file: Path) -> None:
        self._data, self._file = data, file
        try:
            with ZipFile(BytesIO(data)) as archive:
                self._names = archive.namelist()
                if "mimetype" in self._names and b"opendocument" in archive.read("mimetype"):
                    raise TableError(Problem("it is an OpenDocument file (.ods)", "save it as .xlsx", file))
                self._types = archive.read(_TYPES).decode("utf-8", "replace")
        except _READING as error:
            raise TableError(Problem(f"it is no Excel file that can be read: {error}", SAVE, file)) from error
        if "sheet.binary" in self._types:
            raise TableError(Problem("it is a binary Excel file (.xlsb)", SAVE, file))

    @property
    def ending(self) -> str:
        """What the name of such a file ends in; nothing for a template."""
        return next((ending for kind, ending in _KINDS if f".{kind}" in self._types), "")

    @property
    def signed(self) -> bool:
        """Whether somebody has signed the file: no signature holds when it is changed."""
        return any(name.startswith(_SIGNED) for name in self._names)

    def usual(self) -> bytes:
        """Return the file, with the names of Strict Open XML as those that programs know better."""
        with ZipFile(BytesIO(self._data)) as archive:
            if not any(_STRICT in archive.read(name) for name in self._names if name.endswith("workbook.xml")):
                return self._data
            made = BytesIO()
            with ZipFile(made, "w") as usual:
                for name in self._names:
                    content = archive.read(name)
                    if name.endswith((".xml", ".rels")):
                        for strict, known in _USUAL:
                            content = content.replace(strict, known)
                    usual.writestr(name, content)
        return made.getvalue()

    def part_of(self, sheet: str) -> str:
        """Return the name of the part that a sheet is in; raise TableError where there is none."""
        try:
            with ZipFile(BytesIO(self._data)) as archive:
                book = self._target(archive, "", "officeDocument", "")
                ids = [
                    next((value for key, value in there.attrib.items() if key.endswith("}id")), "")
                    for there in ElementTree.fromstring(archive.read(book)).iter()
                    if there.tag.endswith("}sheet") and there.get("name") == sheet
                ]
                return self._target(archive, book, "", ids[0])
        except (*_READING, IndexError, StopIteration) as error:
            raise TableError(Problem(f"the part of sheet {sheet} is not found: {error}", SAVE, self._file)) from error

    def read(self, part: str) -> bytes:
        """Return a part."""
        with ZipFile(BytesIO(self._data)) as archive:
            return archive.read(part)

    def write(self, file: IO[bytes], part: str, content: bytes) -> None:
        """Write the file with other content of one part: the others in their order, with their dates, as they were."""
        with ZipFile(BytesIO(self._data)) as archive, ZipFile(file, "w") as new:
            new.comment = archive.comment
            for info in archive.infolist():
                new.writestr(copy(info), content if info.filename == part else archive.read(info))

    @staticmethod
    def _target(archive: ZipFile, part: str, kind: str, id: str) -> str:
        """Return what a relation of a part leads to: the one of a kind, or of an identifier."""
        folder, name = posixpath.split(part)
        relations = ElementTree.fromstring(archive.read(posixpath.join(folder, "_rels", f"{name}.rels")))
        there = next(
            one
            for one in relations
            if (one.get("Id") == id if id else one.get("Type", "").endswith(f"/relationships/{kind}"))
        )
        target = there.get("Target", "")
        return posixpath.normpath(posixpath.join(folder, target)) if not target.startswith("/") else target[1:]
