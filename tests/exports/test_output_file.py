"""The file that a command writes, when another command writes it, too."""

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
