"""An empty store."""

from ...support.published import store

__all__ = ["store"]
