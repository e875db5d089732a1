"""The files of the guide: which there are, in which languages, and where a link in one of them leads."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kg.core.paths import TOP_FILES, places
from kg.http.pages import LANGUAGES, View

INDEX = "index"
PATH = "docs"
_MARKDOWN, _JAPANESE, _PICTURES = ".md", ".ja", "images"


@dataclass(frozen=True)
class Document:
    """One Markdown file: its name without language and suffix, its language, and where it lies."""

    name: str
    lang: str
    file: Path


Translations = dict[str, Document]


def documents() -> dict[str, Translations]:
    """Return the documents by name and by language; those at the top of the project are among them."""
    folder = places().docs
    found: dict[str, Translations] = {}
    for file in [*sorted(folder.glob(f"*{_MARKDOWN}")), *(folder.parent / name for name in TOP_FILES)]:
        if file.suffix == _MARKDOWN and file.is_file():
            lang = LANGUAGES[0] if file.stem.endswith(_JAPANESE) else LANGUAGES[1]
            name = file.stem.removesuffix(_JAPANESE)
            found.setdefault(name, {})[lang] = Document(name, lang, file)
    return found


def best(translations: Translations, lang: str) -> Document:
    """Return a document in a language, or in the one that it is written in."""
    return translations.get(lang) or next(iter(translations.values()))


def written(path: str) -> Path | None:
    """Return the file at a path below `/docs/`, as it is written: Markdown, a picture, a licence; None for others."""
    folder, parts = places().docs, PurePosixPath(path).parts
    if path in TOP_FILES:
        file = folder.parent / path
    elif (len(parts) == 1 and path.endswith(_MARKDOWN)) or (len(parts) == 2 and parts[0] == _PICTURES):
        file = folder / path
    else:
        return None
    return file if ".." not in parts and file.is_file() else None


def target(link: str, page: Document, view: View) -> str:
    """Return the address that a link of a page leads to; what leads to other sites, or within the page, stays."""
    path, mark, fragment = link.partition("#")
    if not path or ":" in path:
        return link
    # All documents are beside each other here, wherever they lie in the project.
    parts = [part for part in PurePosixPath(path).parts if part not in ("..", ".", PATH)]
    name = parts[-1].removesuffix(_MARKDOWN) if parts else ""
    if not path.endswith(_MARKDOWN):
        below = f"{PATH}/" if written("/".join(parts)) else ""
        return f"{view.root}{below}{'/'.join(parts)}{mark}{fragment}"
    if name.endswith(_JAPANESE):
        lang, name = LANGUAGES[0], name.removesuffix(_JAPANESE)
    elif (fragment and page.lang != view.lang) or page.lang == LANGUAGES[0] in documents().get(name, {}):
        lang = LANGUAGES[1]  # an anchor is a heading in the language of the link; and a Japanese page names a twin
    else:
        lang = view.lang
    return f"{view.root}{PATH}{'' if name == INDEX else f'/{name}'}?lang={lang}{mark}{fragment}"
