"""Compressed files that are made of pieces (RFC 1952, RFC 1951): any process compresses one, and they are joined.

A file is one member, since not every client reads several. Its bytes depend on the pieces and on nothing else.
"""

import struct
import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

# No file name, no time, unknown system (RFC 1952). gzip.compress() writes another head in other Pythons.
_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_END = b"\x03\x00"  # an empty last block
_LEVEL = 7  # level 9 saves 5% and takes more than twice the time
_AT_ONCE = 1 << 20


def packed(piece: bytes) -> bytes:
    """Return a piece as whole blocks that end at a byte, none of them the last."""
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(piece) + deflate.flush(zlib.Z_SYNC_FLUSH)


def gzipped(content: bytes) -> bytes:
    """Return a compressed file."""
    return _HEAD + packed(content) + _end(zlib.crc32(content), len(content))


def _end(crc: int, size: int) -> bytes:
    return _END + struct.pack("<LL", crc, size & 0xFFFFFFFF)


class GzipFile:
    """A file, or none, and its compressed form beside it, both in the making."""

    def __init__(self, plain: Path | None, compressed: Path) -> None:
        self._files = [file for file in (plain, compressed) if file]
        self._plain: BinaryIO | None = plain.open("wb") if plain else None
        self._compressed = compressed.open("wb")
        self._compressed.write(_HEAD)
        self._crc, self._size, self._ended = 0, 0, False

    def __enter__(self) -> "GzipFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def write(self, content: bytes) -> None:
        """Write some bytes."""
        if content:
            self._plainly(content)
            self._compressed.write(packed(content))

    def append(self, piece: Path, compressed: Path) -> None:
        """Write what stands in a file, whose packed form stands in another."""
        with piece.open("rb") as content, compressed.open("rb") as blocks:
            while part := content.read(_AT_ONCE):
                self._plainly(part)
            while part := blocks.read(_AT_ONCE):
                self._compressed.write(part)

    def _plainly(self, content: bytes) -> None:
        self._crc, self._size = zlib.crc32(content, self._crc), self._size + len(content)
        if self._plain:
            self._plain.write(content)

    def close(self) -> None:
        """End both files."""
        if not self._ended:
            self._ended = True
            self._compressed.write(_end(self._crc, self._size))
            self._compressed.close()
            if self._plain:
                self._plain.close()

    def remove(self) -> None:
        """Close and remove both files."""
        self.close()
        for file in self._files:
            file.unlink()
