"""What somebody has typed, as terms to be looked for: each a phrase of tokens of which all must be there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kg.search.normalizer import Folding, hiragana, is_japanese, katakana
from kg.search.tokenizer import END, runs, stem

# A term between quotes keeps its spaces; a quote without its fellow means nothing.
_TERM = re.compile(r'["“”„«]([^"“”„»]+)["“”»]|([^\s"“”„«»]+)')
_MOST = 32  # terms; a sentence in English has fewer


@dataclass(frozen=True, slots=True)
class Words:
    """The terms that were asked for, each as its folded runs; `spelled` is how they are written."""

    terms: tuple[tuple[str, ...], ...]
    spelled: str

    @classmethod
    def of(cls, text: str, folding: Folding) -> "Words":
        """Return the terms of a text; what holds neither letter nor digit is none."""
        found = []
        for match in _TERM.finditer(text):
            term = tuple(runs(folding.text(match[1] or match[2])))
            if term and term not in found:
                found.append(term)
        return cls(tuple(found[:_MOST]), text)

    def expression(self) -> str:
        """Return what the full-text engine is asked: it holds tokens in quotes, and nothing that was typed."""
        return " AND ".join(map(_phrase, self.terms))

    def respelled(self) -> Iterator["Words"]:
        """Yield the same words with all kana of the other kind."""
        for other in (katakana, hiragana):
            terms = tuple(tuple(map(other, term)) for term in self.terms)
            if terms != self.terms:
                yield Words(terms, other(self.spelled))


def _phrase(term: tuple[str, ...]) -> str:
    tokens: list[str] = []
    for place, run in enumerate(term):
        if not is_japanese(run[0]):
            tokens.append(stem(run))
            continue
        tokens += [run[at : at + 2] for at in range(len(run) - 1)]
        if place + 1 < len(term):
            tokens.append(run[-1] + END)  # the stretch ends here, since another follows
        elif len(run) == 1:
            return f'"{" ".join([*tokens, run])}" *'
    return f'"{" ".join(tokens)}"'
