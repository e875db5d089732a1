"""Shared vocabulary: errors, IRIs, spans of printed text, the layout of a release, stored queries, serializers.

It imports no other package of `kg`. Start with `release` (the interface between builder and server) and `iris`.
"""
