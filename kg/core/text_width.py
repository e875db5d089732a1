"""Width of texts in columns of a monospaced font: East Asian wide and full-width characters take two (UAX #11)."""

from unicodedata import east_asian_width


def is_wide(character: str) -> bool:
    """Return whether a character is wide or full-width; False for an empty text."""
    return bool(character) and east_asian_width(character) in "WF"


def columns(text: str) -> int:
    """Return the number of columns of a text."""
    return len(text) + sum(east_asian_width(character) in "WF" for character in text)
