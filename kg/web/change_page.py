"""Page of the differences between two releases, for the website and as a standalone file."""

from collections.abc import Callable

from kg.diff import Change, Changes
from kg.diff import diff_serializers as written
from kg.http.templates import View, render


def render_changes(
    template: str, view: View, changes: Changes | None, href: Callable[[Change], str], **context: object
) -> str:
    """Render a template with changes; `href` returns the URL of a changed resource, or an empty text."""
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
    return render(template, view, **shared, **context)
