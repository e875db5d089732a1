"""Shisaku Graph: Japan's national digital-policy measures as linked data."""

__version__ = "0.1.0"
