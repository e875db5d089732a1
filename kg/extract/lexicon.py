"""What the code lists of a recipe let the rules read in a text."""

from dataclasses import dataclass

from kg.extract.numerals import Counters
from kg.extract.periods import Calendar


@dataclass(frozen=True)
class Lexicon:
    """Finds numbers with their units, and periods by their eras."""

    counters: Counters
    calendar: Calendar
