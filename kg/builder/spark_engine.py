"""`kg build --engine spark`: reads the documents on an Apache Spark cluster; other stages run on this machine.

Executors receive this program, the recipe and the documents, make the parts, and return them as bytes, one partition
after the other. So the release is byte-identical. The executors need the dependencies of this program installed.
"""

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kg.builder.document_reader import DocumentReader, part_files, write_part
from kg.core.errors import KgError, Problem, QueryError, ReleaseError
from kg.recipe import Recipe
from kg.recipe.sources import Source

_SETTINGS = [
    ("spark.ui.enabled", "false"),
    ("spark.ui.showConsoleProgress", "false"),
    ("spark.pyspark.python", os.environ.get("PYSPARK_PYTHON", sys.executable)),
]
_DOCUMENTS_PER_PARTITION = 4  # the driver holds some megabytes for each document of a partition


def spark_reader(master: str) -> DocumentReader:
    """Return a document reader that uses a Spark master (`local[2]`, `spark://host:7077`).

    Raises QueryError if PySpark is not installed; the reader raises ReleaseError if the cluster cannot be used.
    """
    if not importlib.util.find_spec("pyspark"):
        remedy = (
            "install the extra `spark` (pip install 'shisaku-graph[spark]') and Java 17, or leave --engine spark out"
        )
        raise QueryError(Problem("PySpark is not installed", remedy))

    def reader(recipe: Recipe, sources: Sequence[Source], folder: Path) -> Iterator[KgError | None]:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            yield from _read_by_spark(master, recipe, sources, folder)
        except (PySparkException, Py4JError, OSError) as error:
            fact = f"Spark at {master} cannot read the documents: {str(error).strip().splitlines()[0]}"
            remedy = "see that the master can be reached, that JAVA_HOME leads to Java 17, and what its log says"
            raise ReleaseError(Problem(fact, remedy)) from error

    return reader


def _read_by_spark(master: str, recipe: Recipe, sources: Sequence[Source], folder: Path) -> Iterator[KgError | None]:
    if not sources:
        return
    from pyspark import SparkConf, SparkContext

    settings = SparkConf().setMaster(master).setAppName("kg build").setAll(_SETTINGS)
    if master.startswith("local"):
        settings.set("spark.driver.host", "127.0.0.1")
    with tempfile.TemporaryDirectory() as archive, SparkContext(conf=settings) as context:
        context.setLogLevel("ERROR")
        context.addPyFile(_archive_program(Path(archive)))
        recipe_there = context.broadcast(recipe)

        def parts_of(some: Iterable[Source]) -> Iterator[tuple[str, Any]]:
            return ((source.key, part_files(recipe_there.value, source)) for source in some)

        partitions = max(1, -(-len(sources) // _DOCUMENTS_PER_PARTITION))
        carried = context.parallelize([replace(one, content=one.document()) for one in sources], partitions)
        for key, made in carried.mapPartitions(parts_of).toLocalIterator(prefetchPartitions=True):
            if isinstance(made, KgError):
                yield made
            else:
                write_part(folder, key, made)
                yield None


def _archive_program(folder: Path) -> str:
    """Return the path of an archive of this program, as executors import it."""
    package = Path(__file__).parents[1]
    copy = folder / "program"
    shutil.copytree(package, copy / package.name, ignore=lambda at, names: [n for n in names if _is_excluded(at, n)])
    return shutil.make_archive(str(folder / "kg"), "zip", copy)


def _is_excluded(folder: str, name: str) -> bool:
    return Path(folder, name).is_file() and not name.endswith(".py")
