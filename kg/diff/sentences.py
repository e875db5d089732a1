"""A difference in the words of both languages, as an official of a ministry would put it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pyoxigraph import Literal, NamedNode

from kg.core.iris import PREFIXES, served_iri
from kg.core.labels import Labels, preferred
from kg.diff.entity_matcher import DESCRIPTION, SHISAKU, TITLE, Facts, Names, Side, Term

VALUE, PERIOD = SHISAKU + "value", SHISAKU + "period"
_UNIT, _ROLE = SHISAKU + "unit", SHISAKU + "targetRole"
_GOAL = ("target", "recurring", "change")  # roles whose values are raised and lowered; others are found anew
_STATEMENT = tuple(PREFIXES["rdf"] + part for part in ("subject", "predicate", "object"))
_LONG = 60
_CONTEXT = 12
_DEADLINE = ("期限", "Deadline")


@dataclass(frozen=True)
class Words:
    """A text in Japanese and in English."""

    ja: str
    en: str

    def of(self, lang: str) -> str:
        """Return it in one of them."""
        return self.ja if lang == "ja" else self.en


@dataclass(frozen=True)
class Sentence:
    """One thing that changed: the property, its values before and after as they stand in the dumps, and the words."""

    property: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    words: Words


@dataclass(frozen=True)
class Teller:
    """Tells what differs between two dumps: knows what things, periods and terms are called."""

    before: Side
    after: Side
    names: Names
    ends: dict[str, str]
    labels: Labels

    def term(self, iri: str, lang: str) -> str:
        """Return what a class or a property is called. Dumps have canonical names, whatever this process calls it."""
        return self.labels.of(served_iri(iri), lang)

    def name(self, iri: str) -> Words:
        """Return what a thing is called."""
        texts = self.names.get(iri, {})
        return Words(*(preferred(texts, lang) or self.term(iri, lang) for lang in ("ja", "en")))

    def named(self, iri: str, facts: Facts) -> Words:
        """Return what a thing is called; a record of a statement, such as a link, by what it states (rdf:subject …)."""
        stated = [self._term(facts[part][0]) for part in _STATEMENT if facts.get(part)]
        if iri in self.names or len(stated) < len(_STATEMENT):
            return self.name(iri)
        return Words(*(" → ".join(words.of(lang) for words in stated) for lang in ("ja", "en")))

    def property(self, iri: str, old: Sequence[Term], new: Sequence[Term]) -> Iterator[Sentence]:
        """Yield what became of one property of a thing, language by language."""
        for language in dict.fromkeys(_language(term) for term in (*old, *new)):
            gone = [term for term in old if _language(term) == language and term not in new]
            come = [term for term in new if _language(term) == language and term not in old]
            if gone or come:
                words = self._moved(self.labelled(iri, language), gone, come)
                yield Sentence(iri, _values(gone), _values(come), words)

    def facts(self, old: Facts, new: Facts, but: Sequence[str] = ()) -> Iterator[Sentence]:
        """Yield what became of every property of a thing, in the order of the vocabulary, but for some."""
        for iri in sorted({*old, *new} - {*but}, key=lambda iri: (iri != TITLE, self.labels.rank(served_iri(iri)))):
            yield from self.property(iri, old.get(iri, ()), new.get(iri, ()))

    def labelled(self, iri: str, language: str = "") -> Words:
        """Return what a property is called at the beginning of a sentence, of values in a language."""
        ja, en = (self.term(iri, lang) for lang in ("ja", "en"))
        en = en[:1].upper() + en[1:] if ":" not in en else en  # a prefixed name stays as it is
        return Words(f"{ja}(英語)", f"{en} (English)") if language == "en" else Words(ja, en)

    def _moved(self, label: Words, gone: Sequence[Term], come: Sequence[Term]) -> Words:
        texts = [term.value for term in (*gone, *come) if isinstance(term, Literal)]
        if len(gone) == len(come) == 1 and texts and max(map(len, texts)) > _LONG:
            old, new = excerpt(gone[0].value, come[0].value)
            return Words(f"{label.ja}の文を変更:「{old}」→「{new}」", f"{label.en} reworded: “{old}” → “{new}”")
        old_words, new_words = self._listed(gone), self._listed(come)
        if gone and come:
            return Words(
                f"{label.ja}を{old_words.ja}から{new_words.ja}に変更",
                f"{label.en} changed from {old_words.en} to {new_words.en}",
            )
        if come:
            return Words(f"{label.ja}に{new_words.ja}を追加", f"{label.en}: {new_words.en} added")
        return Words(f"{label.ja}から{old_words.ja}を削除", f"{label.en}: {old_words.en} removed")

    def _listed(self, terms: Sequence[Term]) -> Words:
        named = sorted((self._term(term) for term in terms), key=lambda words: words.ja)
        return Words("、".join(words.ja for words in named), ", ".join(words.en for words in named))

    def _term(self, term: Term) -> Words:
        if isinstance(term, NamedNode):
            return self.name(term.value)
        if term.language:
            text = shortened(term.value)
            return Words(f"「{text}」", f"“{text}”")
        return Words(shortened(term.value), shortened(term.value))

    # ── KPIs and their targets ──

    def kpi_gone(self, kpi: str) -> Sentence:
        """Return that a KPI is no more."""
        text = shortened(self.before.one(kpi, DESCRIPTION))
        return Sentence(SHISAKU + "kpi", (kpi,), (), Words(f"KPI「{text}」を削除", f"KPI “{text}” removed"))

    def kpi_new(self, kpi: str) -> Sentence:
        """Return that a KPI is new."""
        text = shortened(self.after.one(kpi, DESCRIPTION))
        return Sentence(SHISAKU + "kpi", (), (kpi,), Words(f"KPI「{text}」を追加", f"KPI “{text}” added"))

    def target(self, kpi: str, old: str, new: str) -> Iterator[Sentence]:
        """Yield what became of a target of a KPI: its number and its deadline; it may be new or gone."""
        name = kpi_name(self.after.one(kpi, DESCRIPTION) or self.before.one(kpi, DESCRIPTION))
        role = self.name((self.after if new else self.before).one(new or old, _ROLE))
        if not (old and new):
            side, target = (self.after, new) if new else (self.before, old)
            told, date = self._amount(side, target), self._period(side, target)
            if told is None and date is None:
                return
            ja, en = (" ".join(words.of(lang) for words in (date, told) if words) for lang in ("ja", "en"))
            done = ("追加", "added") if new else ("削除", "removed")
            words = Words(f"「{name}」の{role.ja}を{done[0]}:{ja}", f"{role.en} of “{name}” {done[1]}: {en}")
            yield Sentence(SHISAKU + "target", (old,) if old else (), (new,) if new else (), words)
            return
        yield from self._value(name, role, old, new)
        yield from self._deadline(name, old, new)

    def _value(self, name: str, role: Words, old: str, new: str) -> Iterator[Sentence]:
        was, now = self._amount(self.before, old), self._amount(self.after, new)
        if was == now:
            return
        ends = (self.before.one(old, VALUE),), (self.after.one(new, VALUE),)
        if was is None or now is None:
            told = now or was
            assert told is not None
            done = ("設定", "set to") if now else ("削除", "removed, which was")
            words = Words(
                f"「{name}」の{role.ja}の数値を{done[0]}:{told.ja}", f"{role.en} of “{name}” {done[1]} {told.en}"
            )
        else:
            ja, en = self._direction(old, new)
            words = Words(
                f"「{name}」の{role.ja}を{was.ja}から{now.ja}に{ja}",
                f"{role.en} of “{name}” {en} from {was.en} to {now.en}",
            )
        yield Sentence(VALUE, *ends, words)

    def _direction(self, old: str, new: str) -> tuple[str, str]:
        """Return the verb for two numbers: raised or lowered where they are aims in one unit."""
        was, now = self.before.number(old, VALUE), self.after.number(new, VALUE)
        aim = self.after.one(new, _ROLE).rpartition("/")[2] in _GOAL
        if not aim or was is None or now is None or was == now:
            return "変更", "changed"
        if self.before.one(old, _UNIT) != self.after.one(new, _UNIT):
            return "変更", "changed"
        return ("引き上げ", "raised") if now > was else ("引き下げ", "lowered")

    def _deadline(self, name: str, old: str, new: str) -> Iterator[Sentence]:
        was, now = self._period(self.before, old), self._period(self.after, new)
        if was == now:
            return
        ends = (self.before.one(old, PERIOD),), (self.after.one(new, PERIOD),)
        if was is None or now is None:
            told = now or was
            assert told is not None
            done = ("設定", "set to") if now else ("削除", "removed, which was")
            words = Words(
                f"「{name}」の{_DEADLINE[0]}を{done[0]}:{told.ja}", f"{_DEADLINE[1]} of “{name}” {done[1]} {told.en}"
            )
        else:
            first, last = (self.ends.get(end[0], "") for end in ends)
            moved = ("延期", "postponed") if last > first else ("前倒し", "brought forward")
            ja, en = moved if first and last and first != last else ("変更", "changed")
            words = Words(
                f"「{name}」の{_DEADLINE[0]}を{was.ja}から{now.ja}に{ja}",
                f"{_DEADLINE[1]} of “{name}” {en} from {was.en} to {now.en}",
            )
        yield Sentence(PERIOD, *ends, words)

    def _amount(self, side: Side, target: str) -> Words | None:
        number, unit = side.number(target, VALUE), side.one(target, _UNIT)
        if number is None:
            return None
        text, counter = grouped(number), self.name(unit) if unit else Words("", "")
        joined = counter.en if counter.en in ("", "%") else f" {counter.en}"
        return Words(f"{text}{counter.ja}", f"{text}{joined if counter.ja != '%' else '%'}")

    def _period(self, side: Side, target: str) -> Words | None:
        period = side.one(target, PERIOD)
        return self.name(period) if period else None


def grouped(number: Decimal) -> str:
    """Return a number as people write it: thousands marked, no zeros at its end."""
    whole, point, rest = f"{number:,f}".partition(".")
    rest = rest.rstrip("0")
    return f"{whole}.{rest}" if point and rest else whole


def shortened(text: str) -> str:
    """Return a text in one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _LONG else f"{line[: _LONG - 1]}…"


def kpi_name(text: str) -> str:
    """Return how a KPI is called in a sentence: without what stands in parentheses behind it."""
    return shortened(re.sub(r"[(（][^()（）]*[)）]", "", text).strip() or text)


def excerpt(old: str, new: str) -> tuple[str, str]:
    """Return the part in which two long texts differ, with a little around it."""
    shorter = min(len(old), len(new))
    start = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    end = next((at for at in range(shorter - start) if old[-1 - at] != new[-1 - at]), shorter - start)
    first = max(0, start - _CONTEXT)

    def part(text: str) -> str:
        last = min(len(text), len(text) - end + _CONTEXT)
        return f"{'…' if first else ''}{shortened(text[first:last])}{'…' if last < len(text) else ''}"

    return part(old), part(new)


def _language(term: Term) -> str:
    return (term.language or "") if isinstance(term, Literal) else ""


def _values(terms: Sequence[Term]) -> tuple[str, ...]:
    return tuple(sorted(term.value for term in terms))
