"""Asks a store which release it holds."""

from collections.abc import Sequence

from kg import __version__
from kg.core.errors import Problem, StoreError
from kg.core.release import CATALOGUE_GRAPH
from kg.engine.remote_release import (
    COMING,
    CURRENT,
    EVERY_VERSION,
    LAID_OUT,
    LAYOUT,
    SINCE,
    STATED,
    VERSION,
    Holding,
    graph_of,
)
from kg.engine.store_client import Connection

_ASKED = f"""SELECT ?stage ?version ?since ?layout {{
  {{ GRAPH <{STATED}> {{ <{EVERY_VERSION}> ?stage ?dataset . ?dataset <{VERSION}> ?version ; <{SINCE}> ?since
    OPTIONAL {{ ?dataset <{LAYOUT}> ?layout }} }} }}
  UNION {{ GRAPH <{CATALOGUE_GRAPH}> {{ <{EVERY_VERSION}> <{COMING}> ?listed . ?listed <{VERSION}> ?version }} }}
}}"""


def holding_of(connection: Connection) -> Holding | None:
    """Return what a store holds, or None while it is switched to another release.

    Raises StoreError where another version of this program has published to it in a way that this one does not know.
    """
    rows = connection.rows(_ASKED)
    stated = [row for row in rows if "since" in row]
    if stated:
        row = stated[0]
        if (layout := row.get("layout", LAID_OUT)) != LAID_OUT:
            found = f"the store holds release {row['version']} in format {layout}"
            fact = f"{found}; this is kg {__version__}, format {LAID_OUT}"
            remedy = "serve it by the kg that has published it, or publish a release by this one: kg publish --to URL"
            raise StoreError(Problem(fact, remedy))
        settled = len(stated) == 1 and row["stage"] == CURRENT
        return Holding(row["version"], row["since"], graph_of(row["version"])) if settled else None
    return Holding(_one([row["version"] for row in rows]))


def _one(versions: Sequence[str]) -> str:
    return versions[0] if len(set(versions)) == 1 else ""
