"""Commands of `kg`: in this process, which is fast, or in one of their own, which can be killed or limited."""

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

CHECKOUT = Path(__file__).resolve().parents[2]


def kg(*arguments: str | Path, input: bytes = b"") -> Result:
    """Run a command in this process; a traceback is a failure of the test."""
    from kg.cli import main

    result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=input)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def kg_process(
    *arguments: str | Path, before: str = "", prefix: tuple[str, ...] = (), **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in its own process.

    `before` is Python to run first, `prefix` a command to start it with, `more` its environment.
    """
    program = f"import sys\n{before}\nif __name__ == '__main__':\n    from kg.cli import main\n    main()"
    command = [*prefix, sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(
        command, cwd=CHECKOUT, env=environment(**more), capture_output=True, text=True, check=False, timeout=240
    )


def environment(**more: str) -> dict[str, str]:
    """Return the environment of this process, with this checkout's program and without measuring coverage."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return {**kept, "PYTHONPATH": str(CHECKOUT), **more}
