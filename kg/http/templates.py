"""Fills templates: every page gets its text here, and the policy that says what it may load."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kg.http import assets, formatting
from kg.http.page_context import View

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {"plain": formatting.plain, "prose": formatting.prose, "part": formatting.part}


def headers(scripts: Sequence[str] = ()) -> dict[str, str]:
    """Return the headers of a page.

    It may load our own style and pictures, and nothing else; `scripts` are source expressions for what runs on it, such
    as `'self'` (Content Security Policy 3). A page may ask this site: auditors read robots.txt from within it.
    """
    script = f"; script-src {' '.join(scripts)}" if scripts else ""
    policy = f"default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'{script}"
    return {
        "Content-Security-Policy": f"{policy}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        "Vary": "Accept, Accept-Language",
    }


def fill(template: str, view: View, **context: object) -> str:
    """Fill a template for one view; `t` chooses between Japanese and English, `link` leads to a path of this site."""
    shared = {
        "view": view,
        "lang": view.lang,
        "root": view.root,
        "t": view.t,
        "link": view.link,
        "release": view.site.release,
        "ways": view.site.ways,
        "asset": lambda name: view.root + assets.address(name),
        "size": formatting.size,
        "date": lambda text: formatting.date(text, view.lang),
        "number": formatting.number,
    }
    return _templates.get_template(template).render({**shared, **context})
