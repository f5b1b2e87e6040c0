"""The file that a command writes, when another command writes it, too."""

import sys
from pathlib import Path

import pytest

from app.commands.output_file import OutputFile
from app.errors import SetupError


def test_only_one_command_writes_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with OutputFile(str(path)) as first:
        first.write(b"first half, ")
        with pytest.raises(SetupError, match=r"another command is writing .*a\.csv\.part"):
            OutputFile(str(path)).__enter__()
        first.write(b"second half")
        first.commit()
    assert path.read_bytes() == b"first half, second half"
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_command_leaves_nothing_in_the_next_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    (tmp_path / "a.csv.part").write_bytes(b"what a killed command left behind")
    with OutputFile(str(path)) as output:
        output.write(b"whole")
        output.commit()
    assert path.read_bytes() == b"whole"


def test_standard_output_that_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SetupError, match="standard output is closed; name a file with -o FILE"):
        OutputFile(None).__enter__()
    path = tmp_path / "a.csv"
    with OutputFile(str(path)) as output:
        output.write(b"whole")
        output.commit()
    assert path.read_bytes() == b"whole"


def test_an_error_is_not_hidden_by_that_of_closing() -> None:
    def write() -> None:
        with OutputFile("/dev/full") as output:
            try:
                output.write(b"x")
            except OSError as error:
                raise ValueError("how far it came") from error

    with pytest.raises(ValueError, match="how far it came"):
        write()
