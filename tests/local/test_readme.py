"""The tour of README.md, run as it stands there."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.local.conftest import RunProgram, wait_until

_ROOT = Path(__file__).parents[2]
SAMPLE_LOAD_SECONDS = 200.0
_BLOCK = re.compile(r"^```(sh|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _tour() -> list[tuple[str, str]]:
    """The code blocks of the section, each with its language."""
    section = (_ROOT / "README.md").read_text().split("\n## A tour\n")[1].split("\n## ")[0]
    return _BLOCK.findall(section)


def _matches(expected: str, output: str) -> bool:
    """Whether the output is the expected one; `…` stands for anything."""
    pattern = ".*".join(map(re.escape, expected.split("…")))
    return re.fullmatch(pattern, output) is not None


@pytest.mark.timeout(300)
def test_the_tour_answers_as_it_says(run_program: RunProgram, port: int, tmp_path: Path) -> None:
    blocks = _tour()
    commands = "\n".join(text for language, text in blocks if language == "sh")
    expected = "".join(text for language, text in blocks if language == "json").splitlines()

    program = run_program("up", "--sample", "--data", str(tmp_path / "data"), "--port", str(port))
    wait_until(lambda: "Ready: " in program.stdout, SAMPLE_LOAD_SECONDS)
    receiver = run_program("receive", "--port", "0")
    wait_until(lambda: "Ready: " in receiver.stdout, SAMPLE_LOAD_SECONDS)
    receiver_address = receiver.stdout.split("http://")[1].split("/")[0]
    commands = commands.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    commands = commands.replace("127.0.0.1:8001", receiver_address)
    # A second time, too, in the same shop.
    tours = [run_tour(commands, tmp_path) for _ in range(2)]

    assert '"code": "HELLO-1"' in receiver.stdout
    assert "/bye dlv_" in receiver.stdout
    for tour in tours:
        assert len(tour) == len(expected)
        for answer, line in zip(tour, expected, strict=True):
            assert _matches(line, answer), f"{answer}\nis not\n{line}"


def run_tour(commands: str, folder: Path) -> list[str]:
    """Runs the commands; returns the lines that they print."""
    tour = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=os.environ,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return tour.stdout.splitlines()
