"""Two releases of a made-up table."""

from ..support.editions import out, pair

__all__ = ["out", "pair"]
