"""Where the shapes and their cases are, and validators that are kept: to read shapes takes longer than a case."""

import functools
from pathlib import Path

from kg.rdf.shacl_validator import Validator

CASES = Path(__file__).parent
SHAPES = CASES.parents[1] / "shapes"


@functools.cache
def validator(name: str, engine: str) -> Validator:
    """Return the validator of a file of shapes; of all of them, where the name is empty."""
    return Validator(SHAPES / name, engine)
