"""The page about what changed between two releases, on the site and alone."""

from collections.abc import Callable

from kg.diff import Change, Changes
from kg.diff import diff_serializers as written
from kg.http.templates import View, fill


def filled(template: str, view: View, changes: Changes | None, href: Callable[[Change], str], **context: object) -> str:
    """Fill a template with changes; `href` gives the address of a thing that changed, or nothing."""
    shared = {
        "changes": changes,
        "href": href,
        "headline": written.headline,
        "statements": written.statement_counts,
        "by_class": written.by_class,
        "totals": written.totals,
        "others": written.others,
        "kinds": written.KINDS,
    }
    return fill(template, view, **shared, **context)
