"""Shared vocabulary: errors, IRIs, spans of printed text, the layout of a release, stored queries, serializers.

Imports no other package of `kg`. Start with `release` (what crosses from the builder to the server), `iris`, `spans`.
"""
