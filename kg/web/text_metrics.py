"""How much room words take in a drawing, cut and wrapped without a browser: letters are counted, wide ones as wide."""

import unicodedata

WIDE, NARROW = 14.5, 8.0  # pixels of a letter as the drawings have them
_ELLIPSIS = "…"
# What does not stand at the beginning of a line, and what not at its end (JIS X 4051).
_NEVER_FIRST = "、。，．・：；？！)]}）］｝」』】〉》ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
_NEVER_LAST = "([{（［｛「『【〈《"


def length(text: str) -> float:
    """Return about how many pixels a text takes."""
    return sum(WIDE if unicodedata.east_asian_width(character) in "WF" else NARROW for character in text)


def cut(text: str, width: float) -> str:
    """Return a text that fits into a width, with an ellipsis where its end is cut off."""
    if length(text) <= width:
        return text
    while text and length(text + _ELLIPSIS) > width:
        text = text[:-1]
    return text.rstrip() + _ELLIPSIS


def lines(text: str, width: float, most: int) -> list[str]:
    """Return a text as at most so many lines of a width; words of letters stay whole where they can."""
    found, line = list[str](), ""
    for piece in _pieces(text):
        if line and length(line + piece.rstrip()) > width:
            found.append(line)
            line = ""
        line += piece
    found.append(line)
    if len(found) > most:
        rest = "".join(found[most - 1 :])
        found[most - 1 :] = [cut(rest, width)]
    return [cut(each.strip(), width) for each in found]


def _pieces(text: str) -> list[str]:
    """Return the parts of a text between which a line may end."""
    found: list[str] = []
    for character in text:
        narrow = unicodedata.east_asian_width(character) not in "WF"
        last = found[-1][-1] if found else ""
        joined = narrow and last and last != " " and unicodedata.east_asian_width(last) not in "WF"
        if found and (joined or character == " " or character in _NEVER_FIRST or last in _NEVER_LAST):
            found[-1] += character
        else:
            found.append(character)
    return found
