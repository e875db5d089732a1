"""The small release of `support/sites.py`, served."""

from ..support.sites import data_site, out, release, site, untouched

__all__ = ["data_site", "out", "release", "site", "untouched"]
