"""`serve`: a process of its own that says its address, stops on Ctrl-C, and says why it cannot start."""

import re
import signal
import socket
from pathlib import Path

import httpx
import pytest

from kg.core.errors import KgError
from kg.core.paths import project_folders
from kg.core.release import Release
from kg.server.runner import serve

from ..support.servers import started

PROGRAM = """
import sys
from pathlib import Path
from kg.core.paths import project_folders
from kg.core.release import read_release
from kg.server.runner import serve
serve(read_release(Path(sys.argv[1])), project_folders().queries, Path(sys.argv[2]), port=0)
"""


@pytest.mark.parametrize("stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.exhaustive)])
def test_it_says_its_address_when_it_answers_and_stops_quietly(release: Release, out: Path, stop: int) -> None:
    """One line on standard output, an endpoint that answers at once, and no traceback at the end."""
    with started("-c", PROGRAM, release.folder, out) as (process, _, line):
        match = re.fullmatch(
            r"Serving release 2019\.1\.0 at (http://127\.0\.0\.1:\d+/) \(SPARQL: (\1sparql)\)\. .*\n", line
        )
        answer = httpx.get(match[2], params={"query": "ASK {}"}, timeout=30)
        process.send_signal(stop)
        rest, errors = process.communicate(timeout=60)

    assert answer.json()["boolean"] is True
    assert (rest, errors) == ("", "")


def test_a_port_in_use_is_said_with_a_remedy(release: Release, out: Path) -> None:
    """The error names the port and how to choose another; nothing is served."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(KgError, match=rf"(?s){port}.*--port"):
            serve(release, project_folders().queries, out, port=port)


def test_a_host_that_is_none_is_said_with_a_remedy(release: Release, out: Path) -> None:
    """An address that this machine does not have is an error of ours."""
    with pytest.raises(KgError, match="--host"):
        serve(release, project_folders().queries, out, host="no such host.invalid")
