"""At which address clients reach the site, for the few documents that must name it in full.

Links are relative wherever a format has such: what a client calls this host is not known here, and nothing that it says
of that is believed. Where there are none, the address is what the operator has given, else the base where the server
has one of its own, else the address that the connection came to.
"""

from kg.core.iris import BASE
from kg.core.rebase import REBASED


def site_address(server: tuple[str, int | None] | None, given: str = "") -> str:
    """Return the address of the top of the site, with a slash at its end; `server` is that of the connection (ASGI)."""
    if given:
        return given
    if REBASED:
        return BASE
    host, port = server or ("localhost", None)
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}{f':{port}' if port else ''}/"
