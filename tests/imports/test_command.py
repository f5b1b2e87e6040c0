"""`segments import` as a command: exit status, output, and the file of rejected rows."""

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection

from app.settings import Settings
from tests.imports.conftest import Command, read_rejects
from tests.patience import PATIENCE_SECONDS
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
        (("customers", "."), b"", 1, b". is a folder; name a file"),
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


def printed_arguments(text: bytes) -> list[str]:
    """Returns the arguments of the command that the text tells to run."""
    _, command = text.decode().rstrip().split("run: ")
    program, name, *arguments = shlex.split(command)
    assert (program, name) == ("segments", "import")
    return arguments


def test_the_command_for_mended_rows_runs_as_printed(
    run_import: Command, settings: Settings, mongo_client: MongoClient[Any], tmp_path: Path
) -> None:
    """With all options, a number that was text, a word for a status, and a name like an option."""
    file = (
        "Nr;customer.sourceId;Status;amount;at;metadata.zip;It's\n"
        "o1;c1;paid;1.250,50;04.03.2026 10:00;01067;a\n"
        "o2;c1;completed;99,00;05.03.2026 10:00;1067;b\n"
    )
    (tmp_path / "-o.csv").write_bytes(file.encode("cp1252"))
    options = (
        *("--map", "Nr=sourceId", "--map", "Status=status", "--unknown", "metadata"),
        *("--amounts", "major", "--decimal", ",", "--dates", "dmy", "--dates", "now"),
        *("--zone", "Europe/Berlin", "--delimiter", ";", "--encoding", "cp1252"),
        *("--data", "no where"),
    )
    done = run_import("orders", *options, "--", "-o.csv")
    assert done.returncode == 1
    # The message names a preset that knows the word, without changing the meaning of the amounts.
    advice = b"'completed' is a word of --preset woocommerce-orders --amounts major."
    assert advice in done.stdout
    arguments = printed_arguments(done.stderr)
    assert {"--data", "no where", "metadata.zip=STRING"} <= set(arguments)
    mended = run_import(*arguments, "--preset", "woocommerce-orders")
    assert (mended.returncode, mended.stderr) == (0, b"")
    stored = mongo_client[settings.database].orders.find_one({"sourceId": "o2"})
    assert stored
    assert (stored["status"], stored["amount"], stored["metadata"]) == (
        "FULFILLED",
        9_900,
        {"zip": "1067", "It's": "b"},
    )


def test_calls_of_another_kind_are_passed_over_with_the_command_for_them(
    run_import: Command, settings: Settings, mongo_client: MongoClient[Any], tmp_path: Path
) -> None:
    at = '"timestamp": "2026-03-04T12:00:00Z", "userId": "u1"'
    (tmp_path / "calls.ndjson").write_text(
        '{"type": "track", "event": "Seen", "messageId": "m1", ' + at + "}\n"
        '{"type": "identify", "messageId": "m2", "traits": {"name": "Uma"}, ' + at + "}\n"
    )
    events = run_import("events", "calls.ndjson", "--preset", "segment")
    assert (events.returncode, events.stderr) == (0, b"")
    assert b"1 call was passed over; to import customers, run: " in events.stdout
    customers = run_import(*printed_arguments(events.stdout))
    assert customers.returncode == 0
    assert b"customers: 1 rows read, 1 accepted" in customers.stdout
    assert mongo_client[settings.database].customers.find_one({})["name"] == "Uma"  # type: ignore[index]


def test_a_file_of_rejected_rows_that_can_not_be_written_is_said_before_the_import(
    run_import: Command,
    environment: dict[str, str],
    settings: Settings,
    mongo_client: MongoClient[Any],
    tmp_path: Path,
) -> None:
    (tmp_path / "a.csv").write_bytes(INVALID_CSV)
    (tmp_path / "a.csv.rejected.csv").mkdir()
    in_the_way = run_import("customers", "a.csv")
    # No file can be created beside an open file.
    with (tmp_path / "a.csv").open("rb") as stdin:
        beside = subprocess.run(
            [sys.executable, "-m", "app", "import", "customers", "/proc/self/fd/0"],
            env=environment,
            stdin=stdin,
            capture_output=True,
            check=False,
        )
    for done in (in_the_way, beside):
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.count(b"\n") == 1
        assert b".rejected.csv, the file for rejected rows, can't be written" in done.stderr
    assert mongo_client[settings.database].customers.count_documents({}) == 0


def start_import(environment: dict[str, str], folder: Path, file: str) -> subprocess.Popen[bytes]:
    """Starts `segments import customers FILE` in the folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "app", "import", "customers", file],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def interrupt(process: subprocess.Popen[bytes], customers: Collection[Any], after: int) -> None:
    """Interrupts the import once so many customers are stored."""
    with customers.watch(max_await_time_ms=100) as changes:
        while customers.count_documents({}) < after:
            changes.try_next()
    process.send_signal(signal.SIGINT)


def test_an_interrupted_import_says_how_far_it_came(
    run_import: Command,
    environment: dict[str, str],
    settings: Settings,
    mongo_client: MongoClient[Any],
    tmp_path: Path,
) -> None:
    stored = mongo_client[settings.database].customers
    file, row_count = tmp_path / "a.csv", 40_000
    rows = [f"c-{number},1990-07-04" for number in range(row_count)]
    file.write_text("\n".join(["sourceId,birthdate", "bad,never", *rows]))
    with start_import(environment, tmp_path, "a.csv") as process:
        interrupt(process, stored, after=1_000)
        output, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, output) == (130, b"")
    outcome = re.fullmatch(
        rb"segments: interrupted: ([0-9,]+) rows were imported and stay, 1 rejected;"
        rb" run the command again to import the rest\n",
        said,
    )
    assert outcome, said
    imported_count = int(outcome[1].replace(b",", b""))
    assert stored.count_documents({}) == imported_count < row_count
    assert [reject["line"] for reject in read_rejects(file)] == ["2"]

    again = run_import("customers", "a.csv")
    assert again.returncode == 1
    new_count = row_count - imported_count
    assert f"{new_count:,} new, 0 changed, {imported_count:,} unchanged".encode() in again.stdout
    assert stored.count_documents({}) == row_count


def test_a_second_run_completes_an_interrupted_import(
    run_import: Command,
    environment: dict[str, str],
    settings: Settings,
    mongo_client: MongoClient[Any],
    tmp_path: Path,
) -> None:
    stored = mongo_client[settings.database].customers
    rows = "".join(json.dumps({"sourceId": f"c-{n}"}) + "\n" for n in range(3_000))
    with start_import(environment, tmp_path, "-") as process:
        assert process.stdin
        assert process.stderr
        process.stdin.write(rows.encode())
        process.stdin.flush()
        # It waits for more input.
        interrupt(process, stored, after=2_000)
        said = process.stderr.read()
        assert process.wait(PATIENCE_SECONDS) == 130
    assert said.startswith(b"segments: interrupted: ")
    assert said.count(b"\n") == 1
    assert stored.count_documents({}) % 1_000 == 0
    assert run_import("customers", "-", stdin=rows.encode()).returncode == 0
    assert stored.count_documents({}) == 3_000
