"""Runs the program with a terminal as its standard error."""

import os
import subprocess
import sys
from pathlib import Path


def run_in_terminal(
    environment: dict[str, str], folder: Path, *arguments: str
) -> tuple[bytes, bytes]:
    """Returns standard output, and what the terminal shows. The program must succeed."""
    terminal, end = os.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=folder,
        env={**environment, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=end,
        check=False,
    )
    os.close(end)
    shown = os.read(terminal, 100_000)
    os.close(terminal)
    assert done.returncode == 0, shown
    return done.stdout, shown
