"""Sentences that describe a difference, in Japanese and English, in the wording of official documents."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pyoxigraph import Literal, NamedNode

from kg.core.iris import PREFIXES, served_iri
from kg.core.labels import Labels, preferred
from kg.diff.entity_matcher import DESCRIPTION, SHISAKU, TITLE, DumpFacts, Facts, Names, Term

VALUE, PERIOD = SHISAKU + "value", SHISAKU + "period"
_UNIT, _ROLE = SHISAKU + "unit", SHISAKU + "targetRole"
_GOAL = ("target", "recurring", "change")  # roles whose values are raised and lowered; others are measured values
_STATEMENT = tuple(PREFIXES["rdf"] + part for part in ("subject", "predicate", "object"))
_LONG = 60
_CONTEXT = 12
_DEADLINE = ("期限", "Deadline")


@dataclass(frozen=True)
class BilingualText:
    """A text in Japanese and in English."""

    ja: str
    en: str

    def of(self, lang: str) -> str:
        """Return the text in a language."""
        return self.ja if lang == "ja" else self.en


@dataclass(frozen=True)
class Sentence:
    """Description of one change: property, values before and after as in the dumps, and the text."""

    property: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    words: BilingualText


@dataclass(frozen=True)
class SentenceWriter:
    """Writer of sentences about two dumps, with the names of entities, periods and terms."""

    before: DumpFacts
    after: DumpFacts
    names: Names
    ends: dict[str, str]
    labels: Labels

    def term(self, iri: str, lang: str) -> str:
        """Return the label of a class or property with a canonical IRI."""
        return self.labels.of(served_iri(iri), lang)

    def name(self, iri: str) -> BilingualText:
        """Return the name of an entity."""
        texts = self.names.get(iri, {})
        return BilingualText(*(preferred(texts, lang) or self.term(iri, lang) for lang in ("ja", "en")))

    def entity_name(self, iri: str, facts: Facts) -> BilingualText:
        """Return the name of an entity; for a reified statement, such as a link, its subject, predicate and object."""
        stated = [self._term(facts[part][0]) for part in _STATEMENT if facts.get(part)]
        if iri in self.names or len(stated) < len(_STATEMENT):
            return self.name(iri)
        return BilingualText(*(" → ".join(words.of(lang) for words in stated) for lang in ("ja", "en")))

    def property(self, iri: str, old: Sequence[Term], new: Sequence[Term]) -> Iterator[Sentence]:
        """Yield the changes of one property of an entity, by language."""
        for language in dict.fromkeys(_language(term) for term in (*old, *new)):
            gone = [term for term in old if _language(term) == language and term not in new]
            come = [term for term in new if _language(term) == language and term not in old]
            if gone or come:
                words = self._change_text(self.property_label(iri, language), gone, come)
                yield Sentence(iri, _values(gone), _values(come), words)

    def facts(self, old: Facts, new: Facts, but: Sequence[str] = ()) -> Iterator[Sentence]:
        """Yield the changes of all properties but some of an entity, in the order of the vocabulary."""
        for iri in sorted({*old, *new} - {*but}, key=lambda iri: (iri != TITLE, self.labels.rank(served_iri(iri)))):
            yield from self.property(iri, old.get(iri, ()), new.get(iri, ()))

    def property_label(self, iri: str, language: str = "") -> BilingualText:
        """Return the label of a property, with the language of the values, at the beginning of a sentence."""
        ja, en = (self.term(iri, lang) for lang in ("ja", "en"))
        en = en[:1].upper() + en[1:] if ":" not in en else en  # a prefixed name stays as it is
        return BilingualText(f"{ja}(英語)", f"{en} (English)") if language == "en" else BilingualText(ja, en)

    def _change_text(self, label: BilingualText, gone: Sequence[Term], come: Sequence[Term]) -> BilingualText:
        texts = [term.value for term in (*gone, *come) if isinstance(term, Literal)]
        if len(gone) == len(come) == 1 and texts and max(map(len, texts)) > _LONG:
            old, new = excerpt(gone[0].value, come[0].value)
            return BilingualText(f"{label.ja}の文を変更:「{old}」→「{new}」", f"{label.en} reworded: “{old}” → “{new}”")
        old_words, new_words = self._listed(gone), self._listed(come)
        if gone and come:
            return BilingualText(
                f"{label.ja}を{old_words.ja}から{new_words.ja}に変更",
                f"{label.en} changed from {old_words.en} to {new_words.en}",
            )
        if come:
            return BilingualText(f"{label.ja}に{new_words.ja}を追加", f"{label.en}: {new_words.en} added")
        return BilingualText(f"{label.ja}から{old_words.ja}を削除", f"{label.en}: {old_words.en} removed")

    def _listed(self, terms: Sequence[Term]) -> BilingualText:
        named = sorted((self._term(term) for term in terms), key=lambda words: words.ja)
        return BilingualText("、".join(words.ja for words in named), ", ".join(words.en for words in named))

    def _term(self, term: Term) -> BilingualText:
        if isinstance(term, NamedNode):
            return self.name(term.value)
        if term.language:
            text = shorten(term.value)
            return BilingualText(f"「{text}」", f"“{text}”")
        return BilingualText(shorten(term.value), shorten(term.value))

    # ── KPIs and their targets ──

    def kpi_removed(self, kpi: str) -> Sentence:
        """Return the sentence for a removed KPI."""
        text = shorten(self.before.one(kpi, DESCRIPTION))
        return Sentence(SHISAKU + "kpi", (kpi,), (), BilingualText(f"KPI「{text}」を削除", f"KPI “{text}” removed"))

    def kpi_added(self, kpi: str) -> Sentence:
        """Return the sentence for an added KPI."""
        text = shorten(self.after.one(kpi, DESCRIPTION))
        return Sentence(SHISAKU + "kpi", (), (kpi,), BilingualText(f"KPI「{text}」を追加", f"KPI “{text}” added"))

    def target(self, kpi: str, old: str, new: str) -> Iterator[Sentence]:
        """Yield the changes of a target of a KPI (its number and deadline), or its addition or removal."""
        name = kpi_name(self.after.one(kpi, DESCRIPTION) or self.before.one(kpi, DESCRIPTION))
        role = self.name((self.after if new else self.before).one(new or old, _ROLE))
        if not (old and new):
            side, target = (self.after, new) if new else (self.before, old)
            amount, date = self._amount(side, target), self._period(side, target)
            if amount is None and date is None:
                return
            ja, en = (" ".join(words.of(lang) for words in (date, amount) if words) for lang in ("ja", "en"))
            done = ("追加", "added") if new else ("削除", "removed")
            words = BilingualText(f"「{name}」の{role.ja}を{done[0]}:{ja}", f"{role.en} of “{name}” {done[1]}: {en}")
            yield Sentence(SHISAKU + "target", (old,) if old else (), (new,) if new else (), words)
            return
        yield from self._value(name, role, old, new)
        yield from self._deadline(name, old, new)

    def _value(self, name: str, role: BilingualText, old: str, new: str) -> Iterator[Sentence]:
        was, now = self._amount(self.before, old), self._amount(self.after, new)
        if was == now:
            return
        ends = (self.before.one(old, VALUE),), (self.after.one(new, VALUE),)
        if was is None or now is None:
            amount = now or was
            assert amount is not None
            done = ("設定", "set to") if now else ("削除", "removed, which was")
            words = BilingualText(
                f"「{name}」の{role.ja}の数値を{done[0]}:{amount.ja}", f"{role.en} of “{name}” {done[1]} {amount.en}"
            )
        else:
            ja, en = self._direction(old, new)
            words = BilingualText(
                f"「{name}」の{role.ja}を{was.ja}から{now.ja}に{ja}",
                f"{role.en} of “{name}” {en} from {was.en} to {now.en}",
            )
        yield Sentence(VALUE, *ends, words)

    def _direction(self, old: str, new: str) -> tuple[str, str]:
        """Return the verb for two numbers: raised or lowered if they are targets in one unit."""
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
            period = now or was
            assert period is not None
            done = ("設定", "set to") if now else ("削除", "removed, which was")
            words = BilingualText(
                f"「{name}」の{_DEADLINE[0]}を{done[0]}:{period.ja}",
                f"{_DEADLINE[1]} of “{name}” {done[1]} {period.en}",
            )
        else:
            first, last = (self.ends.get(end[0], "") for end in ends)
            moved = ("延期", "postponed") if last > first else ("前倒し", "brought forward")
            ja, en = moved if first and last and first != last else ("変更", "changed")
            words = BilingualText(
                f"「{name}」の{_DEADLINE[0]}を{was.ja}から{now.ja}に{ja}",
                f"{_DEADLINE[1]} of “{name}” {en} from {was.en} to {now.en}",
            )
        yield Sentence(PERIOD, *ends, words)

    def _amount(self, side: DumpFacts, target: str) -> BilingualText | None:
        number, unit = side.number(target, VALUE), side.one(target, _UNIT)
        if number is None:
            return None
        text, counter = format_number(number), self.name(unit) if unit else BilingualText("", "")
        joined = counter.en if counter.en in ("", "%") else f" {counter.en}"
        return BilingualText(f"{text}{counter.ja}", f"{text}{joined if counter.ja != '%' else '%'}")

    def _period(self, side: DumpFacts, target: str) -> BilingualText | None:
        period = side.one(target, PERIOD)
        return self.name(period) if period else None


def format_number(number: Decimal) -> str:
    """Format a number with thousands separators and without trailing zeros."""
    whole, point, decimals = f"{number:,f}".partition(".")
    decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if point and decimals else whole


def shorten(text: str) -> str:
    """Return a text on one line, truncated if it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _LONG else f"{line[: _LONG - 1]}…"


def kpi_name(text: str) -> str:
    """Return the name of a KPI for a sentence, without parentheses."""
    return shorten(re.sub(r"[(（][^()（）]*[)）]", "", text).strip() or text)


def excerpt(old: str, new: str) -> tuple[str, str]:
    """Return the differing parts of two long texts, with some context."""
    shorter = min(len(old), len(new))
    start = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    end = next((at for at in range(shorter - start) if old[-1 - at] != new[-1 - at]), shorter - start)
    first = max(0, start - _CONTEXT)

    def part(text: str) -> str:
        last = min(len(text), len(text) - end + _CONTEXT)
        return f"{'…' if first else ''}{shorten(text[first:last])}{'…' if last < len(text) else ''}"

    return part(old), part(new)


def _language(term: Term) -> str:
    return (term.language or "") if isinstance(term, Literal) else ""


def _values(terms: Sequence[Term]) -> tuple[str, ...]:
    return tuple(sorted(term.value for term in terms))
