"""The real site in a browser, and the small release of `support/sites.py`."""

from ..support.pages import kinds, page
from ..support.sites import data_site, out, release, site, untouched

__all__ = ["data_site", "kinds", "out", "page", "release", "site", "untouched"]
