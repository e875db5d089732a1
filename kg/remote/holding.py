"""Asks a store which release it holds."""

from collections.abc import Sequence

from kg.releases import CATALOGUE_GRAPH
from kg.remote.connection import Connection
from kg.remote.held import COMING, CURRENT, EVERY_VERSION, SINCE, STATED, VERSION, Holding, graph_of

_ASKED = f"""SELECT ?stage ?version ?since {{
  {{ GRAPH <{STATED}> {{ <{EVERY_VERSION}> ?stage ?dataset . ?dataset <{VERSION}> ?version ; <{SINCE}> ?since }} }}
  UNION {{ GRAPH <{CATALOGUE_GRAPH}> {{ <{EVERY_VERSION}> <{COMING}> ?listed . ?listed <{VERSION}> ?version }} }}
}}"""


def holding_of(connection: Connection) -> Holding | None:
    """Return what a store holds, or None while it is switched to another release."""
    rows = connection.rows(_ASKED)
    stated = [row for row in rows if "since" in row]
    if stated:
        row = stated[0]
        settled = len(stated) == 1 and row["stage"] == CURRENT
        return Holding(row["version"], row["since"], graph_of(row["version"])) if settled else None
    return Holding(_one([row["version"] for row in rows]))


def _one(versions: Sequence[str]) -> str:
    return versions[0] if len(set(versions)) == 1 else ""
