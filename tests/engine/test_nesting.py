"""How deep a query nests is known from its text, whatever stands in its strings, comments and IRIs."""

import pytest

from kg.core.sparql_scanner import has_more_unions, nests_deeper

DEEP = {
    "groups": "ASK " + "{" * 11 + "}" * 11,
    "all kinds of brackets": "ASK {" + "([{" * 4 + "}])" * 4 + "}",
    "signs": "ASK { FILTER(" + "!" * 9 + "true) }",
    "signs with comments between": "ASK { FILTER(" + "! #(\n" * 9 + "true) }",
    "after an open quote": "ASK { '" + "{" * 20,
}
FLAT = {
    "many groups, none in another": "ASK { " + "{}" * 50 + " }",
    "strings": "ASK { FILTER('" + "(" * 50 + '\' = """' + "{\n" * 50 + '""") }',
    "comments": "ASK { #" + "{" * 50 + "\n}",
    "IRIs and names": r"PREFIX ex: <http://e/((((((((((((> ASK { ex:\(\(\(\(\(\(\(\(\(\(\(\(a ex:- 'x' }",
    "signs apart": "ASK { FILTER(" + "1 - -1 + " * 50 + "1 = 1) }",
}


@pytest.mark.parametrize("kind", DEEP)
def test_nesting_is_seen(kind: str) -> None:
    """Brackets of every kind and chains of prefix signs count, together."""
    assert nests_deeper(DEEP[kind], 10)


@pytest.mark.parametrize("kind", FLAT)
def test_what_only_looks_deep_is_let_through(kind: str) -> None:
    """Brackets in texts, comments, IRIs and names do not count, nor do those that are closed again."""
    assert not nests_deeper(FLAT[kind], 10)


def test_unions_are_counted_as_words() -> None:
    """UNION in any case counts; in a variable, a string or a name it does not."""
    query = "ASK { {} union {} Union{}UNION{} ?union ex:UNION 'UNION' ?a }"

    assert has_more_unions(query, 2)
    assert not has_more_unions(query, 3)


@pytest.mark.parametrize(
    "hostile", ["{", "{}", "'", "<", "<a", '"\\', "!", "! \n", "#\n", "!#\n", "UNION ", "'''a", ":a"]
)
def test_hostile_repetition_is_read_in_reasonable_time(hostile: str) -> None:
    """No text makes the reader try one stretch in many ways; 256 KB of anything are read."""
    text = hostile * (256_000 // len(hostile))

    assert nests_deeper(text, 10) == (hostile[0] in "{!" and hostile != "{}")
    assert has_more_unions(text, 10) == (hostile == "UNION ")
