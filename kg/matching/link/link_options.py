"""What a user asks of a table: things of a type, how many candidates, in which language."""

from dataclasses import dataclass

# What is added for each candidate, in this order.
COLUMNS = ("iri", "label", "score", "match", "reason")
# A paragraph rather than a name: measures are found whose texts are like it.
TEXT, ANY = "text", "any"
# The words by which people call the classes whose own name is longer; every class goes by its own, too.
KINDS = {
    "organization": "formal-organization",
    "budget": "budget-programme",
    "document": "reference-document",
    "entity": "named-entity",
    "place": "administrative-area",
}
LEAST, LEAST_OF_TEXTS = 40.0, 10.0  # scores below which two names, or texts, hardly share more than grammar


@dataclass(frozen=True)
class Task:
    """What is looked for: things of a type, so many candidates, told in a language.

    Candidates of a lower score than `least` are nothing that a person would look at.
    """

    type: str = "measure"
    candidates: int = 1
    lang: str = "ja"
    edition: str | None = None
    matched_only: bool = False
    least: float = 0.0

    def names(self, prefix: str) -> list[str]:
        """Return the names of the columns to add; those of the second candidate end in `_2`."""
        ends = ["", *(f"_{number}" for number in range(2, self.candidates + 1))]
        return [f"{prefix}{name}{end}" for end in ends for name in COLUMNS]
