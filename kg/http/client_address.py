"""Client addresses: trusted proxies, scheduling keys, masked networks for logs, and the public URL of the site.

Links are relative wherever a format allows it: the name by which clients reach this host is unknown, and `Host` and
similar headers are never trusted. A format that needs an absolute URL gets the one configured by the operator, else the
base IRI if the server has one, else the address of the connection.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

from kg.core.iris import BASE, REBASED

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# An IPv6 customer has a whole network of addresses.
_CUSTOMER_PREFIX = 64
# Prefix lengths of logged addresses: they identify networks, but not people.
_MASKED_PREFIX = {4: 24, 6: 48}
_FORWARDED_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^\s;"]*))', re.IGNORECASE)
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([\d.]+):\d+")


def parse_address(text: str) -> Address | None:
    """Parse an IP address, with or without a port; None if the text is not one. An IPv4-mapped address becomes IPv4."""
    match = _WITH_PORT.fullmatch(text.strip())
    try:
        address = ip_address((match[1] or match[2]) if match else text.strip())
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def scheduling_key(host: str) -> str:
    """Return the scheduling key of a client: its address, or the /64 network of an IPv6 customer."""
    if ":" not in host:  # the common case
        return host
    address = parse_address(host)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _CUSTOMER_PREFIX), strict=False))
    return str(address or host)


@lru_cache(1024)
def masked_network(host: str) -> str:
    """Return the masked network of an address for logs, /24 or /48; empty if the text is not an address."""
    address = parse_address(host)
    return str(ip_network((address, _MASKED_PREFIX[address.version]), strict=False)) if address else ""


class ProxyHeadersMiddleware:
    """Middleware that replaces the address of a trusted proxy by that of its client.

    The client is the last address in `X-Forwarded-For` or `Forwarded` that is not itself a trusted proxy; earlier
    entries may be forged. No other proxy header is used.
    """

    def __init__(self, application: ASGIApp, trusted: Sequence[Network]) -> None:
        self._application = application
        self._trusted = tuple(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI)."""
        if scope["type"] == "http" and scope.get("client"):
            peer = parse_address(scope["client"][0])
            if peer and self._trusts(peer):
                client = self._client(peer, scope["headers"])
                if client != peer:
                    scope["client"] = (str(client), 0)
        await self._application(scope, receive, send)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)

    def _client(self, peer: Address, headers: Sequence[tuple[bytes, bytes]]) -> Address:
        """Return the address of the client behind a trusted proxy; that of the proxy if the headers disagree."""
        named = {self._last_untrusted(peer, hops) for hops in (_x_forwarded_for(headers), _forwarded(headers)) if hops}
        # A proxy that writes one of the two headers passes on whatever the client has written into the other.
        return named.pop() if len(named) == 1 else peer

    def _last_untrusted(self, peer: Address, hops: Sequence[str]) -> Address:
        for hop in reversed(hops):
            address = parse_address(hop)
            if address is None:  # no address: the chain cannot be followed further
                return peer
            if not self._trusts(address):
                return address
            peer = address
        return peer


def _x_forwarded_for(headers: Sequence[tuple[bytes, bytes]]) -> list[str]:
    """Return the elements of `X-Forwarded-For`."""
    return list(_elements(headers, b"x-forwarded-for"))


def _forwarded(headers: Sequence[tuple[bytes, bytes]]) -> list[str]:
    """Return the `for` parameters of `Forwarded` (RFC 7239, 4 and 6); empty for an element without one."""
    matches = (_FORWARDED_FOR.search(element) for element in _elements(headers, b"forwarded"))
    return [(match[1] or match[2] or "") if match else "" for match in matches]


def _elements(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> Iterator[str]:
    """Yield the elements of a list-valued header, over all its field lines."""
    for name, value in headers:
        if name == wanted:
            yield from value.decode("latin-1").split(",")


def site_url(server: tuple[str, int | None] | None, given: str = "") -> str:
    """Return the public URL of the site with a trailing slash; `server` is the address of the connection (ASGI)."""
    if given:
        return given
    if REBASED:
        return BASE
    host, port = server or ("localhost", None)
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}{f':{port}' if port else ''}/"
