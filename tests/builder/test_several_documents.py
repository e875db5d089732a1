"""A build of many documents: the same for any number of processes, resumed where it was, and never whole in memory."""

import csv
import gzip
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from kg.builder.edition_validator import ShapeSet, validate_graph
from kg.builder.process_pool import ProcessPool
from kg.core.paths import project_folders
from kg.rdf.shacl_validator import fastest_engine

from ..support.several_documents import CHECKOUT, KEYS, build, contents, environment

# Chunks of 20 kB in place of 8 MB, and a graph that is always too large to be validated as a whole.
SMALL = """
import kg.rdf.edition_dumps, kg.builder.edition_validator
kg.rdf.edition_dumps.chunks_of.__defaults__ = (20_000,)
kg.builder.edition_validator.validate_graph.__defaults__ = (0,)
"""


def test_any_number_of_processes_makes_the_same_bytes(several: Path, alone: Path, tmp_path: Path) -> None:
    """Three processes share documents, editions and files; every promised byte is that of a build by one."""
    result = build(several, tmp_path, "--processes", "3")

    assert result.returncode == 0, result.stderr
    assert contents(tmp_path) == contents(alone)


def test_a_graph_of_many_chunks_makes_the_same_files(several: Path, alone: Path, tmp_path: Path) -> None:
    """Cut into many chunks, and validated edition by edition, the release is the same; but for how it is compressed."""
    result = build(several, tmp_path, "--processes", "2", before=SMALL)
    assert result.returncode == 0, result.stderr
    whole, cut = contents(alone), contents(tmp_path)
    told = {"dataset.ttl", "manifest.json", "SHA256SUMS", "graph.nq", "graph.trig"}  # these tell sizes of the others
    told |= {"validation.html"}  # of a large graph it does not tell where shared things are printed

    assert cut.keys() == whole.keys()
    for name in cut.keys() - told - {f"{name}.gz" for name in told}:
        same = gzip.decompress(cut[name]) == gzip.decompress(whole[name]) if name.endswith(".gz") else None
        assert same if same is not None else cut[name] == whole[name], name
    sized = ("byteSize", "checksumValue")
    plain = [
        [line for line in files["dataset.ttl"].decode().splitlines() if not any(word in line for word in sized)]
        for files in (whole, cut)
    ]
    assert plain[0] == plain[1], "VoID counts the same"
    assert gzip.decompress(cut["graph.nq.gz"]) == cut["graph.nq"]


def test_what_editions_count_alike_is_added_up(alone: Path) -> None:
    """An organization that leads as many measures in each edition leads them all: no edition is taken for another."""
    with (alone / "current" / "measures.csv").open(encoding="utf-8", newline="") as file:
        leads = Counter(lead for row in csv.DictReader(file) for lead in row["lead"].split("|") if lead)
    with (alone / "current" / "organizations.csv").open(encoding="utf-8", newline="") as file:
        counted = {row["name_ja"]: int(row["measures_led"]) for row in csv.DictReader(file)}

    assert len(leads) > 1
    assert {name: counted[name] for name in leads} == leads


def test_a_build_that_was_killed_goes_on_where_it_was(several: Path, alone: Path, tmp_path: Path) -> None:
    """After SIGKILL the next build reads only the documents that were not read yet, and the release is the same."""
    stops = (
        "import kg.rdf.document_parts, time\nkg.rdf.document_parts.gather_identities = None\n"
        "import kg.builder.document_reader as d\n"
    )
    stops += "d.references_of = lambda *a: time.sleep(300)\n"  # when the last document has been read
    program = f"{stops}\nfrom kg.cli import main\nmain()"
    command = [sys.executable, "-c", program, "build", "--recipe", str(several), "--out", str(tmp_path)]
    with subprocess.Popen([*command, "--processes", "1"], cwd=CHECKOUT, env=environment()) as killed:
        deadline = time.monotonic() + 120
        # by their names: a part that is still being written has another one
        while not all(list(tmp_path.glob(f"releases/.bench-*/parts/{key}/summary.json")) for key in KEYS):
            assert time.monotonic() < deadline and killed.poll() is None
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
    (bench,) = tmp_path.glob("releases/.bench-*")
    shutil.rmtree(bench / "parts" / KEYS[-1])
    seen = tmp_path / "seen"
    watched = f"""
import kg.builder.document_reader as d
real = d.part_files
def part_files(recipe, source):
    open({str(seen)!r}, "a").write(source.key + "\\n")
    return real(recipe, source)
d.part_files = part_files
"""
    result = build(several, tmp_path, "--processes", "1", before=watched)

    assert result.returncode == 0, result.stderr
    assert seen.read_text(encoding="utf-8").split() == [KEYS[-1]]
    assert contents(tmp_path) == contents(alone)
    assert list(tmp_path.glob("releases/.*")) == []


def test_the_problems_of_all_documents_are_told_at_once(several: Path, tmp_path: Path) -> None:
    """Corrections of two editions that fit nowhere are both told, with file and line, whichever process found them."""
    recipe = Path(shutil.copytree(several, tmp_path / "build"))
    file = recipe / "corrections.csv"
    columns = file.read_text(encoding="utf-8").strip().split(",")
    given = {"action": "replace", "corrected": "b", "reason_ja": "a", "reason_en": "a", "evidence": "a"}
    given |= {"decided_by": "a", "decided_on": "2026-01-01"}
    with file.open("a", encoding="utf-8") as rows:
        for number, key in enumerate(KEYS[:2], 1):
            row = {**given, "id": f"c{number:04}", "edition": key, "printed": f"nowhere {number}"}
            rows.write(",".join(row.get(column, "") for column in columns) + "\n")
    result = build(recipe, tmp_path / "out", "--processes", "2")

    assert result.returncode == 1
    assert "corrections.csv:2: c0001" in result.stderr
    assert "corrections.csv:3: c0002" in result.stderr
    assert list((tmp_path / "out").glob("releases/*")) == []


def test_a_large_release_is_validated_by_editions(several: Path, alone: Path) -> None:
    """`kg validate` tells of a large release what it tells of it as a whole."""
    large = """
import kg.builder.edition_validator
kg.builder.edition_validator.validate_graph.__defaults__ = (0,)
"""
    told = []
    for before in ("", large):
        program = f"{before}\nfrom kg.cli import main\nmain()"
        command = [sys.executable, "-c", program, "validate", "--recipe", str(several), "--out", str(alone)]
        told.append(
            subprocess.run(command, cwd=CHECKOUT, env=environment(), capture_output=True, text=True, check=False)
        )

    assert "Conforms. Violation 0, Warning" in told[0].stdout, told[0].stderr
    assert told[1].stdout == told[0].stdout, told[1].stderr


@pytest.mark.parametrize("seed", range(3))
def test_editions_one_by_one_break_the_promises_that_the_whole_breaks(alone: Path, tmp_path: Path, seed: int) -> None:
    """In a graph with many faults, the results of each edition and of what they share are those of the whole graph."""
    chance = random.Random(seed)
    lines = (alone / "current" / "graph.nt").read_bytes().splitlines(keepends=True)
    kept = {line for line in lines if chance.random() > 0.01}
    wrong = {line.replace(b"/organization/", b"/unit/") for line in lines if chance.random() < 0.01}
    graph = tmp_path / "graph.nt"
    graph.write_bytes(b"".join(sorted(kept | wrong)))
    shape_set = ShapeSet(project_folders().shapes, fastest_engine())
    whole, parts = (
        validate_graph(graph, KEYS, shape_set, tmp_path, ProcessPool(1, None), lambda done: None, at_once)
        for at_once in (1 << 30, 0)
    )

    assert len(whole.results) > 100
    assert parts.report() == whole.report()
    assert list(tmp_path.iterdir()) == [graph]
