"""`segments import` as a command: exit status, output, and the file of rejected rows."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from app.settings import Settings
from tests.imports.conftest import Command, read_rejects
from tests.terminal import run_in_terminal

VALID_CSV = b"sourceId,name\nada,Ada\nbob,Bob\n"
INVALID_CSV = b"sourceId,birthdate\nada,1815-12-10\nbob,never\n"


def test_a_file_and_its_rejects(run_import: Command, tmp_path: Path) -> None:
    file, rejects = tmp_path / "a.csv", tmp_path / "a.csv.rejected.csv"
    file.write_bytes(INVALID_CSV)
    bad = run_import("customers", "a.csv")
    assert bad.returncode == 1
    assert bad.stdout.startswith(b"customers: 2 rows read, 1 accepted, 1 rejected in ")
    assert bad.stderr == (
        b"segments: the rejected rows are in a.csv.rejected.csv; mend them, and run:"
        b" segments import customers a.csv.rejected.csv\n"
    )
    assert [reject["line"] for reject in read_rejects(file)] == ["3"]

    file.write_bytes(VALID_CSV)
    good = run_import("customers", "a.csv")
    assert (good.returncode, good.stderr) == (0, b"")
    assert not rejects.exists()


@pytest.mark.parametrize("stdin", [VALID_CSV, b'\n {"sourceId": "ada"}\n{"sourceId": "bob"}\n'])
def test_the_format_of_standard_input_is_detected(
    run_import: Command, settings: Settings, mongo_client: MongoClient[Any], stdin: bytes
) -> None:
    assert run_import("customers", "-", stdin=stdin).returncode == 0
    assert mongo_client[settings.database].customers.count_documents({}) == 2


def test_the_rejects_of_standard_input(run_import: Command, tmp_path: Path) -> None:
    assert run_import("customers", "-", "--dry-run", stdin=INVALID_CSV).returncode == 1
    assert len(read_rejects(tmp_path / "stdin")) == 1


def test_a_dry_run_says_so(run_import: Command) -> None:
    done = run_import("customers", "-", "--dry-run", stdin=VALID_CSV)
    assert done.returncode == 0
    assert b"nothing was written" in done.stdout


def test_a_bar_on_a_terminal_only(
    run_import: Command, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(VALID_CSV)
    assert run_import("customers", "a.csv").stderr == b""
    output, shown = run_in_terminal(environment, tmp_path, "import", "customers", "a.csv")
    assert b"2 customers" in shown
    assert b"customers" not in output.partition(b"customers: 2 rows read")[0]


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "line"),
    [
        (("customers", "nowhere.csv"), b"", 1, b"nowhere.csv"),
        (("customers", "."), b"", 1, b"Is a directory"),
        (("customers", "-"), b"sourceId,what\n", 1, b"Column 2 is called 'what'"),
        (("segments", "-"), b"", 2, b"'segments' is not one of"),
        (("customers",), b"", 2, b"Missing argument"),
        (("customers", "-", "--preset", "excel"), b"", 2, b"--preset: 'excel' is not one of"),
        (("orders", "-", "--preset", "klaviyo"), b"", 2, b"is for `segments import customers`"),
        (("orders", "-", "--dates", "us"), b"", 2, b"--dates: 'us' is not one of iso dmy mdy unix"),
        (("orders", "-", "--dates", "dmy", "--dates", "mdy"), b"", 2, b"one form of dates"),
        (("orders", "-", "--zone", "Paris"), b"", 2, b"--zone: 'Paris' is not a time zone"),
        (("orders", "-", "--encoding", "x"), b"", 2, b"--encoding: 'x' is not a known encoding"),
        (("orders", "-", "--map", "Total"), b"", 2, b"--map: 'Total' is not COLUMN=path"),
        (("orders", "-", "--encoding", "base64"), b"", 2, b"'base64' is not a known encoding"),
        (("orders", "-", "--map", "A=at", "--map", "A=amount"), b"", 2, b"'A' is given twice"),
        (("orders", "-", "--type", "metadata.x=TEXT"), b"", 2, b"'TEXT' must be one of STRING"),
        (("orders", "-", "--delimiter", "::"), b"", 2, b"is not one character"),
    ],
)
def test_one_line_says_what_is_wrong(
    run_import: Command, arguments: tuple[str, ...], stdin: bytes, status: int, line: bytes
) -> None:
    done = run_import(*arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.startswith(b"segments: ")
    assert done.stderr.count(b"\n") == 1
    assert line in done.stderr


def test_without_an_address_it_looks_for_a_running_up(
    environment: dict[str, str], tmp_path: Path
) -> None:
    del environment["MONGODB_URL"]
    done = subprocess.run(
        [sys.executable, "-m", "app", "import", "orders", "-", "--data", "here"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == b"segments: MONGODB_URL is not set, and no `segments up` runs in here\n"


def test_a_second_run_completes_an_interrupted_import(
    run_import: Command,
    environment: dict[str, str],
    settings: Settings,
    mongo_client: MongoClient[Any],
    tmp_path: Path,
) -> None:
    stored = mongo_client[settings.database].customers
    rows = "".join(json.dumps({"sourceId": f"c-{n}"}) + "\n" for n in range(3_000))
    with subprocess.Popen(
        [sys.executable, "-m", "app", "import", "customers", "-"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stderr
        process.stdin.write(rows.encode())
        process.stdin.flush()
        with mongo_client[settings.database].watch(max_await_time_ms=100) as changes:
            while stored.count_documents({}) < 2_000:
                changes.try_next()
        # It waits for more input.
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(10) == 130
    assert said.startswith(b"segments: interrupted: ")
    assert said.count(b"\n") == 1
    assert stored.count_documents({}) % 1_000 == 0
    assert run_import("customers", "-", stdin=rows.encode()).returncode == 0
    assert stored.count_documents({}) == 3_000
