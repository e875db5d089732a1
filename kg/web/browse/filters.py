"""What an address of the list asks for: facets, words, an order, a page; and what of it is not understood.

The same view has one address: its parameters in one order, without those that change nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from kg.http.responses import whole_number
from kg.web.browse.facets import ALL, BY_KEY, EDITION, FACETS, NOTHING, SORT_BY_KEY, SORTS, Facet

WORDS, SORT, PAGE = "q", "sort", "page"
LONGEST_WORDS = 200  # characters
NO_LANGUAGE = ("ここで選べる言語ではありません", "is no language of this list")
_MOST_VALUES = 50  # of one facet; nobody chooses more
_LAST_PAGE = 1_000_000


@dataclass(frozen=True)
class Ignored:
    """A part of an address that is not followed, and why, in both languages."""

    name: str
    value: str
    reason: tuple[str, str]


@dataclass(frozen=True)
class Choice:
    """What is asked for. `values` are chosen values (whole, not keys) by facet.

    Of several editions the `newest` is chosen where the address names none.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: str = ""
    sort: str = SORTS[0].key
    page: int = 1
    newest: str = ""

    @property
    def backwards(self) -> bool:
        """Whether the order is turned round."""
        return self.sort.startswith("-")

    @property
    def order(self) -> str:
        """The key of the order, whichever way round."""
        return self.sort.lstrip("-")

    def parameters(self) -> tuple[tuple[str, str], ...]:
        """Return the parameters of the address."""
        pairs = [(WORDS, self.words)] if self.words else []
        for facet in FACETS:
            chosen = self.values.get(facet.key, ())
            if chosen and not (facet.key == EDITION and chosen == (self.newest,)):
                pairs.append((facet.key, ",".join(sorted(facet.short(value) for value in chosen))))
        pairs += [(SORT, self.sort)] if self.sort != SORTS[0].key else []
        pairs += [(PAGE, str(self.page))] if self.page > 1 else []
        return tuple(pairs)

    def address(self, **more: str) -> str:
        """Return the part of the address that begins with `?`; empty where nothing is asked for."""
        pairs = [*self.parameters(), *more.items()]
        return f"?{urlencode(pairs, safe=',:@-._~')}" if pairs else ""

    def toggled(self, facet: Facet, value: str) -> "Choice":
        """Return the choice with a value more, or without it where it is chosen; on its first page."""
        chosen = self.values.get(facet.key, ())
        left = tuple(each for each in chosen if each != value) if value in chosen else (*chosen, value)
        if facet.key == EDITION and self.newest:  # either all, or some
            left = tuple(each for each in left if (each == ALL) == (value == ALL)) or (ALL,)
        values = {key: each for key, each in {**self.values, facet.key: left}.items() if each}
        return replace(self, values=values, page=1)

    def without_words(self) -> "Choice":
        """Return the choice without its words; on its first page."""
        return replace(self, words="", page=1)

    def sorted_by(self, sort: str) -> "Choice":
        """Return the choice in another order."""
        return replace(self, sort=sort, page=1)

    def on(self, page: int) -> "Choice":
        """Return another page of the choice."""
        return replace(self, page=page)


def read(
    parameters: Iterable[tuple[str, str]],
    known: Mapping[str, Iterable[str]],
    apart: Sequence[str] = (),
    newest: str = "",
) -> tuple[Choice, list[Ignored]]:
    """Return what parameters ask for and what of them is ignored.

    `known` are the values of each facet; `apart` are parameters that others look at. Empty ones, which a form sends,
    ask for nothing. `newest` is the newest of several editions, which is meant where none is named.
    """
    choice, ignored = Choice(newest=newest), list[Ignored]()
    seen = set[str]()
    for name, text in parameters:
        text = text.strip()
        if name in apart or not text:
            continue
        if name in seen:
            ignored.append(Ignored(name, text, ("二度目の指定です", "is given a second time")))
        elif name in BY_KEY:
            choice, unknown = _with_values(choice, BY_KEY[name], text, set(known.get(name, ())))
            ignored += unknown
        elif name in (WORDS, SORT, PAGE):
            reason = _unfit(name, text)
            if reason:
                ignored.append(Ignored(name, text[:60], reason))
            else:
                choice = replace(choice, **_plain(name, text))  # type: ignore[arg-type]
        else:
            ignored.append(Ignored(name, text[:60], ("この一覧にはない項目です", "is no parameter of this list")))
        seen.add(name)
    if newest and EDITION not in choice.values:
        choice = replace(choice, values={**choice.values, EDITION: (newest,)})
    values = {facet.key: choice.values[facet.key] for facet in FACETS if facet.key in choice.values}
    return replace(choice, values=values), ignored


def _with_values(choice: Choice, facet: Facet, text: str, known: set[str]) -> tuple[Choice, list[Ignored]]:
    keys = list(dict.fromkeys(key for key in text.split(",") if key))
    there, ignored = [], []
    for key in keys:
        value = facet.whole(key)
        if value in known or value == NOTHING or value in facet.special:
            there.append(value)
        else:
            ignored.append(Ignored(facet.key, key[:60], ("このデータにはない値です", "is no value of these data")))
    if len(there) > _MOST_VALUES:
        ignored.append(Ignored(facet.key, "…", ("値が多すぎます", "has too many values; the first ones are used")))
    return (
        replace(choice, values={**choice.values, facet.key: tuple(there[:_MOST_VALUES])}) if there else choice
    ), ignored


def _unfit(name: str, text: str) -> tuple[str, str] | None:
    """Return why a parameter cannot be followed, or None."""
    if name == WORDS and len(text) > LONGEST_WORDS:
        return (f"{LONGEST_WORDS}文字を超えています", f"has more than {LONGEST_WORDS} characters")
    if name == SORT and text.removeprefix("-") not in SORT_BY_KEY:
        return ("ない並べ方です", "is no order of this list")
    if name == PAGE and whole_number(text, _LAST_PAGE) is None:
        return ("頁の番号ではありません", "is no number of a page")
    return None


def _plain(name: str, text: str) -> dict[str, object]:
    if name == WORDS:
        return {"words": " ".join(text.split())}
    return {"sort": text} if name == SORT else {"page": int(text)}
