"""The pages that people read, in Japanese and English: no script, nothing from other sites, everything escaped.

Links are relative to the page, so that the site works under any address and behind any prefix.
"""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kg.names import ONTOLOGY
from kg.negotiate import Format
from kg.queries import StoredQuery
from kg.releases import Release

# What a page may load: our own style, nothing else.
PAGE = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Vary": "Accept, Accept-Language",
}
STATIC = Path(__file__).parent / "static"
LANGUAGES = ("ja", "en")

# The first question that a visitor sees. A title stands in two languages, so one of them is chosen.
_EXAMPLE = f"""\
PREFIX shisaku: <{ONTOLOGY}>
PREFIX dcterms: <http://purl.org/dc/terms/>

SELECT ?number ?title
WHERE {{
  ?measure a shisaku:Measure ;
    shisaku:measureNumber ?number ;
    dcterms:title ?title .
  FILTER(LANG(?title) = "ja")
}}
ORDER BY ?number
LIMIT 10
"""

# What the manifest counts, in words and in the order of the page; what is not known here comes last by its own name.
_COUNTED = {
    "measures": ("施策", "measures"),
    "kpis": ("KPI", "KPIs"),
    "targets": ("目標", "targets"),
    "organizations": ("組織", "organizations"),
    "documents": ("参考資料", "documents"),
    "budgets": ("予算事業", "budget programmes"),
    "laws": ("法令", "laws"),
    "pillars": ("施策の柱", "pillars"),
    "corrections": ("訂正", "corrections"),
    "issues": ("未解決の点", "open issues"),
    "rows": ("原表の行", "source rows"),
    "cells": ("原表のセル", "source cells"),
    "triples": ("トリプル", "triples"),
}

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def language(asked: str | None, accepted: str | None) -> str:
    """Return the language of a page: the one asked for, else the better one of Accept-Language, else Japanese."""
    if asked in LANGUAGES:
        return asked
    weights = dict.fromkeys(LANGUAGES, 0.0)
    for part in (accepted or "").lower().split(","):
        tag, _, parameter = part.partition(";")
        key, text = tag.strip().split("-")[0], parameter.strip().removeprefix("q=") or "1"
        if key in weights and text.replace(".", "", 1).isdecimal():
            weights[key] = max(weights[key], float(text))
    return max(LANGUAGES, key=lambda key: weights[key])


def landing(lang: str, release: Release | None, size: int, queries: Sequence[StoredQuery], dataset: str = "") -> str:
    """Return the first page: what this is, its figures and the three ways in; `dataset` is JSON-LD, ready for HTML."""
    counts = {"triples": size, **(release.counts if release else {})}
    keys = [*(key for key in _COUNTED if key in counts), *(key for key in counts if key not in _COUNTED)]
    figures = [(f"{counts[key]:,}", _word(key, lang)) for key in keys]
    return fill("landing.html", lang, "./", release=release, figures=figures, queries=queries, dataset=dataset)


def editor(lang: str, root: str, queries: Sequence[StoredQuery], formats: Sequence[Format]) -> str:
    """Return the page of the endpoint: a text area and the stored queries."""
    return fill("editor.html", lang, root, queries=queries, formats=formats)


def listing(lang: str, release: Release) -> str:
    """Return the page of a release: its files with sizes and checksums."""
    return fill("release.html", lang, "../../", release=release)


def query_list(lang: str, queries: Sequence[StoredQuery]) -> str:
    """Return the page of the stored queries."""
    return fill("queries.html", lang, "./", queries=queries)


def fill(template: str, lang: str, root: str, **context: object) -> str:
    """Fill a template. `root` leads from the page to the top; `t` chooses between Japanese and English."""

    def t(japanese: str, english: str) -> str:
        return japanese if lang == "ja" else english

    example = _EXAMPLE.replace('"ja"', f'"{lang}"')
    shared = {"lang": lang, "root": root, "t": t, "size": _size, "part": _part, "example": example}
    return _templates.get_template(template).render(**shared, **context)


def _word(key: str, lang: str) -> str:
    words = _COUNTED.get(key, (key, key))
    return words[LANGUAGES.index(lang)]


def _size(size: int) -> str:
    """Return a size in bytes as people read it."""
    for unit, step in (("MB", 1 << 20), ("KB", 1 << 10)):
        if size >= step:
            return f"{size / step:.1f} {unit}"
    return f"{size} B"


def _part(text: str) -> str:
    """Return a text as one part of an address."""
    return quote(text, safe="")
