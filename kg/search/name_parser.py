"""What somebody asks for by a name, taken apart: a number before it, the name, a remark in brackets behind it."""

import re
from dataclasses import dataclass

from kg.search.scorer import Name, number_key

# A number at the beginning, as a list prints it: 01-05, 施策番号 1-5, No.3-2
_NUMBERED = re.compile(r"(?:施策|番号|no\.?|number|measure|第|#|\s)*(\d{1,3}(?:[-‐–−ー.]\d{1,3})+)[\s.、:)]*")
_REMARK = re.compile(r"\s*[(\[【〔<]([^()\[\]【】〔〕<>]{1,40})[)\]】〕>]$")


@dataclass(frozen=True, slots=True)
class Asked:
    """A name that was asked for, in the forms in which it can be meant.

    `name` is what stands behind the number; its key is empty where there is nothing else. `bracketed` is what stands in
    brackets at its end, and `short` the name without that. `number` and `whole` are keys of numbers: the one in front,
    and the whole text as one; empty where it is none.
    """

    name: Name
    short: Name | None
    bracketed: str
    number: str
    whole: str

    @classmethod
    def of(cls, text: str, folded: str) -> "Asked":
        """Take a text apart, given its folded form."""
        number = _NUMBERED.match(folded)
        rest = folded[number.end() :] if number else folded
        remark = _REMARK.search(rest)
        short = Name.of(text, rest[: remark.start()]) if remark else None
        return cls(
            Name.of(text, rest),
            short if short and short.key else None,
            remark[1] if remark else "",
            number_key(number[1]) if number else "",
            number_key(folded),
        )

    @property
    def remark(self) -> bool:
        """Whether the brackets hold a remark: words, and no year or number, which may tell two things apart."""
        return bool(self.short) and not re.search(r"\d", self.bracketed)
