"""Opening releases and RDF files."""

from pathlib import Path

import pytest
from pyoxigraph import NamedNode

from kg.core.errors import ReleaseError
from kg.core.release import Release
from kg.core.store_loader import count_triples, open_files, open_release

FILES = {
    "a.ttl": '@base <http://e/> . <s> <p> "ttl" .',
    "b.nt": '<http://e/s> <http://e/p> "nt" .\n',
    "c.rdf": "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:e='http://e/'>"
    "<rdf:Description rdf:about='http://e/s'><e:p>rdf</e:p></rdf:Description></rdf:RDF>",
    "d.XML": "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:e='http://e/'>"
    "<rdf:Description rdf:about='http://e/s'><e:p>xml</e:p></rdf:Description></rdf:RDF>",
    "e.jsonld": '{"@id": "http://e/s", "http://e/p": "jsonld"}',
    "f.trig": '<http://e/g> { <http://e/s> <http://e/p> "trig" } <http://e/s> <http://e/p> "plain" .',
    "g.nq": '<http://e/s> <http://e/p> "nq" <http://e/g> .\n',
}


def test_every_format_by_its_suffix_and_quads_where_the_file_puts_them(tmp_path: Path) -> None:
    """Seven suffixes, in either case; triples go to the default graph, quads to the graph that the file names."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    store = open_files([tmp_path / name for name in FILES])

    assert count_triples(store) == 6
    assert {graph.value for graph in store.named_graphs()} == {"http://e/g"}
    named = store.quads_for_pattern(None, None, None, NamedNode("http://e/g"))
    assert {quad.object.value for quad in named} == {"trig", "nq"}


def test_blank_nodes_of_two_files_stay_apart(tmp_path: Path) -> None:
    """The same label in two files is two things."""
    for name in ("a.nt", "b.nt"):
        (tmp_path / name).write_text(f'_:x <http://e/p> "{name}" .\n', encoding="utf-8")
    store = open_files([tmp_path / "a.nt", tmp_path / "b.nt"])

    assert len({quad.subject for quad in store}) == 2


def test_every_unreadable_file_is_named_with_line_and_remedy(tmp_path: Path) -> None:
    """A syntax error says its line; a missing file and an unknown suffix are said in the same run."""
    (tmp_path / "bad.ttl").write_text('<http://e/s> <http://e/p> "1" .\n<http://e/s> e:p "2" .\n', encoding="utf-8")
    (tmp_path / "table.xlsx").write_text("", encoding="utf-8")
    files = [tmp_path / "bad.ttl", tmp_path / "missing.nt", tmp_path / "table.xlsx"]
    with pytest.raises(ReleaseError) as raised:
        open_files(files)

    assert [problem.file for problem in raised.value.problems] == files
    assert raised.value.problems[0].line == 2
    assert ".ttl" in raised.value.problems[2].remedy


def test_a_damaged_release_says_how_to_make_it_again(release: Release, tmp_path: Path) -> None:
    """A release whose graph cannot be read is an error of ours with the command that mends it."""
    damaged = Release(tmp_path, "1", "", "", "", (), {}, ())
    with pytest.raises(ReleaseError, match="kg build"):
        open_release(damaged)
