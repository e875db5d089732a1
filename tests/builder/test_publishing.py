"""A release appears whole or not at all, whatever happens to the build."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kg.core.errors import ReleaseError
from kg.core.release import current_release, read_release

from ..support.small_releases import CHECKOUT, environment, kg

DEVELOPMENT = re.compile(r"2019\.1\.0\+dev\.[0-9a-f]{8}")


def copy(release: Path, out: Path) -> None:
    """Put a release into a folder of releases, as the one that is served."""
    shutil.copytree(release.parents[1], out, symlinks=True)


def whole(out: Path) -> str:
    """Return the version that is served; its files are complete and nothing else lies about."""
    release = current_release(out)
    assert release is not None
    assert list(release.damaged_files()) == []
    assert [path.name for path in out.rglob(".*")] == []
    return release.version


# The moments at which a build is killed: at so many of its events, and at so many times between them.
@pytest.mark.parametrize(
    ("events", "times", "processes"), [(3, 0, 1), pytest.param(13, 2, 2, marks=pytest.mark.exhaustive)]
)
def test_a_build_that_is_killed_leaves_the_old_release_serving(
    small: Path, changed: Path, tmp_path: Path, events: int, times: int, processes: int
) -> None:
    """After SIGKILL at spread moments `current` is a complete release; the next build works and clears the remains."""
    command = [sys.executable, str(Path(__file__).with_name("dying.py")), *map(str, (small, changed, tmp_path / "out"))]
    result = subprocess.run(
        [*command, str(events), str(times), str(processes)],
        env=environment(),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    *deaths, before, last = map(json.loads, result.stdout.splitlines())

    assert len(deaths) == events + times
    assert all(death["killed"] for death in deaths[:events])
    assert all(death["damage"] == [] and death["store"] for death in deaths)
    assert sum(death["staging"] for death in deaths) > events // 5, "too few moments were in the midst of writing"
    assert {death["version"] for death in deaths} >= {"2019.1.0"}
    assert DEVELOPMENT.fullmatch(last["version"])
    assert (before["staging"], last["staging"]) == (1, 0)
    assert DEVELOPMENT.fullmatch(whole(tmp_path / "out"))


def test_what_a_living_build_writes_is_not_removed(small: Path, tmp_path: Path) -> None:
    """A staging folder whose process lives stays; one whose process is gone goes."""
    releases = tmp_path / "out" / "releases"
    living, dead = releases / ".staging-living", releases / ".staging-dead"
    for folder in (living, dead):
        folder.mkdir(parents=True)
        (folder / "graph.ttl").write_bytes(b"")
    lock = "fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)"
    holder = f"import fcntl, os, sys\n{lock}\nprint('locked', flush=True)\ninput()"
    command = [sys.executable, "-c", holder, str(living)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdin
        process.stdout.readline()
        result = kg("build", "--recipe", small, "--out", tmp_path / "out")
        left = {path.name for path in releases.iterdir()}
        process.stdin.close()

    assert result.returncode == 0, result.stderr
    assert left == {".staging-living", "2019.1.0"}


def test_two_builds_of_the_same_at_once_both_end_well(small: Path, tmp_path: Path) -> None:
    """Both say that the release is made or there, and there is one release."""
    command = [sys.executable, "-m", "kg", "build", "--recipe", str(small), "--out", str(tmp_path / "out")]
    both = [subprocess.Popen(command, cwd=CHECKOUT, env=environment(), stderr=subprocess.PIPE) for _ in range(2)]
    told = [process.communicate()[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], told
    assert whole(tmp_path / "out") == "2019.1.0"
    assert [path.name for path in (tmp_path / "out" / "releases").iterdir()] == ["2019.1.0"]


@pytest.mark.exhaustive
def test_two_builds_of_different_recipes_at_once_lose_nothing(small: Path, changed: Path, tmp_path: Path) -> None:
    """Each ends with a release of its own, or says that the other was first and what to do; `current` is complete."""
    command = [sys.executable, "-m", "kg", "build", "--out", str(tmp_path / "out"), "--recipe"]
    both = [
        subprocess.Popen([*command, str(recipe)], cwd=CHECKOUT, env=environment(), stderr=subprocess.PIPE, text=True)
        for recipe in (small, changed)
    ]
    for process in both:
        told = process.communicate()[1]
        assert process.returncode == 0 or "run `kg build` again" in told, told

    assert 0 in [process.returncode for process in both]
    whole(tmp_path / "out")


@pytest.mark.parametrize("limit", [2_000, 60_000, 200_000])
def test_a_full_disk_is_told_and_the_old_release_serves(
    small: Path, small_release: Path, changed: Path, tmp_path: Path, limit: int
) -> None:
    """Where a file cannot be written to its end: exit code 1, one clear message, no traceback, no remains."""
    out = tmp_path / "out"
    copy(small_release, out)
    scarce = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    result = kg("build", "--recipe", changed, "--out", out, before=scarce)

    assert result.returncode == 1
    assert "the release cannot be written" in result.stderr
    assert "free space" in result.stderr
    assert "Traceback" not in result.stderr
    assert whole(out) == "2019.1.0"


def test_a_folder_that_cannot_be_written_is_told_and_the_old_release_serves(
    small: Path, small_release: Path, changed: Path, tmp_path: Path
) -> None:
    """A folder without write permission: exit code 1, the folder and the remedy, and nothing changed in it."""
    out = tmp_path / "out"
    copy(small_release, out)
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("permissions do not bind root, and setpriv (util-linux), which could change that, is missing")
        prefix = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    (out / "releases").chmod(0o555)
    try:
        result = kg("build", "--recipe", changed, "--out", out, prefix=prefix)
        again = kg("build", "--recipe", small, "--out", out, prefix=prefix)
    finally:
        (out / "releases").chmod(0o755)

    assert result.returncode == 1
    assert "the release cannot be written: Permission denied" in result.stderr
    assert "--out" in result.stderr
    assert again.returncode == 0, "what is there already needs no writing"
    assert whole(out) == "2019.1.0"


def test_a_file_in_the_place_of_the_releases_is_told(small: Path, tmp_path: Path) -> None:
    """The message names what is in the way."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "releases").write_text("", encoding="utf-8")
    result = kg("build", "--recipe", small, "--out", tmp_path / "out")

    assert result.returncode == 1
    assert f"{tmp_path / 'out' / 'releases'}: the release cannot be written: File exists" in result.stderr


def test_a_release_of_another_format_is_told_and_left(small: Path, small_release: Path, tmp_path: Path) -> None:
    """Reading it tells both formats and the remedy; a build leaves it as it is and makes a release beside it."""
    out = tmp_path / "out"
    copy(small_release, out)
    manifest = out / "releases" / "2019.1.0" / "manifest.json"
    other = manifest.read_text(encoding="utf-8").replace('"format": 1', '"format": 99')
    manifest.write_text(other, encoding="utf-8")
    with pytest.raises(
        ReleaseError, match=r"(?s)release format 99, made by kg .*, format 1\n  install a newer kg .*`kg build`"
    ):
        current_release(out)
    result = kg("build", "--recipe", small, "--out", out)

    assert result.returncode == 0, result.stderr
    assert DEVELOPMENT.fullmatch(whole(out))
    assert manifest.read_text(encoding="utf-8") == other


@pytest.mark.parametrize(
    ("name", "content", "fact"),
    [
        ("graph.ttl", b"", "graph.ttl: is not the file that was released: its SHA-256 differs"),
        ("measures.csv", None, "measures.csv: cannot be read: No such file or directory"),
    ],
)
def test_a_damaged_release_is_told(
    small: Path, small_release: Path, tmp_path: Path, name: str, content: bytes | None, fact: str
) -> None:
    """A build that finds its release already there checks every file and names those that are not as released."""
    out = tmp_path / "out"
    copy(small_release, out)
    file = out / "current" / name
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    result = kg("build", "--recipe", small, "--out", out)

    assert result.returncode == 1
    assert fact in result.stderr
    assert "remove this folder and run `kg build` again" in result.stderr


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "version": "1"}'])
def test_a_manifest_that_is_none_is_told(tmp_path: Path, manifest: str) -> None:
    """A broken or incomplete manifest is a ReleaseError with its file, never a traceback."""
    (tmp_path / "manifest.json").write_text(manifest, encoding="utf-8")

    with pytest.raises(ReleaseError, match=r"manifest\.json: "):
        read_release(tmp_path)
