"""`kg build --engine spark`: the release is that of one machine to the byte, on threads and on a cluster."""

import importlib.util
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ..support.several_documents import CHECKOUT, build, contents

TOOLS = CHECKOUT / "tests" / "docs" / "tools.py"
PATIENCE = 60  # seconds for a master or a worker to say that it is there


@pytest.fixture(scope="module")
def spark() -> Path:
    """The folder in which Python finds PySpark."""
    specification = importlib.util.spec_from_file_location("spark_tools", TOOLS)
    assert specification and specification.loader
    tools = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(tools)
    try:
        found: Path = tools.pyspark()
    except tools.Missing as error:
        pytest.skip(str(error))
    return found


def path(spark: Path) -> dict[str, str]:
    """The environment of a program that uses PySpark."""
    return {"PYTHONPATH": f"{CHECKOUT}{os.pathsep}{spark}", "PYSPARK_PYTHON": sys.executable}


def told(log: Path, pattern: str, times: int = 1) -> str:
    """Wait until a log says something so many times; return the last of it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if len(found := re.findall(pattern, log.read_text(encoding="utf-8", errors="replace"))) >= times:
            return str(found[-1])
        time.sleep(0.1)
    raise AssertionError(f"{pattern} is not in {log.read_text(encoding='utf-8', errors='replace')}")


@contextmanager
def cluster(spark: Path, folder: Path, workers: int) -> Iterator[str]:
    """Run a standalone master with workers on the loopback interface; give its address."""
    deploy = "org.apache.spark.deploy"
    program = str(spark / "pyspark" / "bin" / "spark-class")
    environment = {**os.environ, **path(spark), "SPARK_HOME": str(spark / "pyspark"), "SPARK_LOCAL_IP": "127.0.0.1"}
    log = folder / "master.log"

    def start(output: Path, *arguments: str) -> subprocess.Popen[bytes]:
        command = ["bash", program, *arguments, "--host", "127.0.0.1", "--webui-port", "0"]
        with output.open("wb") as file:
            return subprocess.Popen(command, env=environment, stdout=file, stderr=file)

    with ExitStack() as stack:

        def until_the_end(process: subprocess.Popen[bytes]) -> None:
            stack.enter_context(process)
            stack.callback(process.terminate)

        until_the_end(start(log, f"{deploy}.master.Master", "--port", "0"))
        address = told(log, r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")
        for number in range(workers):
            output, work = folder / f"worker-{number}.log", str(folder / f"work-{number}")
            limits = ("--cores", "1", "--memory", "1g", "--work-dir", work)
            until_the_end(start(output, f"{deploy}.worker.Worker", address, *limits))
        told(log, "Registering worker", workers)
        yield address


@pytest.mark.exhaustive
def test_threads_of_spark_make_the_release_of_one_machine(
    spark: Path, several: Path, alone: Path, tmp_path: Path
) -> None:
    """`local[2]`: every promised byte is that of the local build."""
    result = build(several, tmp_path, "--engine", "spark", "--spark-master", "local[2]", **path(spark))

    assert result.returncode == 0, result.stderr
    assert contents(tmp_path) == contents(alone)


@pytest.mark.exhaustive
def test_a_cluster_makes_the_release_of_one_machine(spark: Path, several: Path, alone: Path, tmp_path: Path) -> None:
    """A standalone cluster with two workers: every promised byte is that of the local build."""
    with cluster(spark, tmp_path, workers=2) as master:
        options = ("--engine", "spark", "--spark-master", master)
        result = build(several, tmp_path / "out", *options, SPARK_LOCAL_IP="127.0.0.1", **path(spark))
        logs = [(tmp_path / f"worker-{number}.log").read_text(encoding="utf-8") for number in range(2)]

    assert result.returncode == 0, result.stderr
    assert all("Asked to launch executor" in log for log in logs), "both workers had a part of it"
    assert contents(tmp_path / "out") == contents(alone)


def test_without_the_extra_it_says_how_to_install_it(several: Path, tmp_path: Path) -> None:
    """Where PySpark is missing: exit code 1, the extra and Java are named, and nothing is written."""
    hidden = "import importlib.util as u\nfind = u.find_spec\n"
    hidden += "u.find_spec = lambda name, *more: None if name == 'pyspark' else find(name, *more)"
    result = build(several, tmp_path, "--engine", "spark", before=hidden)

    assert result.returncode == 1
    assert "PySpark is not installed" in result.stderr
    assert "shisaku-graph[spark]" in result.stderr
    assert list(tmp_path.iterdir()) == []
