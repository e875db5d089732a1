"""The files that pages load, each at an address that holds a digest of its content: kept for ever, never out of date.

`static/style.css` is also there under its own name, for those who link to it by hand; that one is asked for again.
"""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

FOLDER = "static"
FOREVER = "public, max-age=31536000, immutable"
AGAIN = "public, no-cache"
_STATIC = Path(__file__).parents[1] / FOLDER
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}  # the same on every machine


@dataclass(frozen=True)
class Asset:
    """A file under `static/`: its name there, its content and the digest of it."""

    name: str
    content: bytes
    digest: str

    @property
    def fingerprinted(self) -> str:
        """Its name with the digest in it: `style.0123456789ab.css`."""
        path = PurePosixPath(self.name)
        return str(path.with_name(f"{path.stem}.{self.digest}{path.suffix}"))

    @property
    def content_type(self) -> str:
        """The value of `Content-Type`."""
        suffix = PurePosixPath(self.name).suffix
        kind = _TYPES.get(suffix) or mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _read() -> dict[str, Asset]:
    found = {}
    for file in sorted(_STATIC.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            name, content = file.relative_to(_STATIC).as_posix(), file.read_bytes()
            found[name] = Asset(name, content, hashlib.sha256(content).hexdigest()[:12])
    return found


_ASSETS = _read()
_BY_ADDRESS = {asset.fingerprinted: asset for asset in _ASSETS.values()}


def there(name: str) -> bool:
    """Whether there is such an asset: what is bundled from packages may be missing."""
    return name in _ASSETS


def address(name: str) -> str:
    """Return where an asset is, below the top of the site; raise KeyError for what is none."""
    return f"{FOLDER}/{_ASSETS[name].fingerprinted}"


def found(path: str) -> tuple[Asset, str] | None:
    """Return the asset at a path below `static/`, and what its Cache-Control says; None where there is none."""
    if asset := _BY_ADDRESS.get(path):
        return asset, FOREVER
    return (_ASSETS[path], AGAIN) if path in _ASSETS else None
