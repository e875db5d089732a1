"""Listens for HTTP: the socket, the server, and what a connection may take before there is a request.

sockets.py     the address that is listened on, and the server of an application
connection.py  one connection: how its client is refused that is too slow or sends too much
guard.py       all connections: the clock that they have in common, and who makes room where there are too many
lingering.py   how a connection is closed whose client is still sending
"""
