"""`segments export` as a command: exit status, output, and files that are whole or not there."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient

from app.local.mongod import Mongod
from app.settings import Settings
from tests.forked_program import run_segments
from tests.local.conftest import wait_until
from tests.patience import PATIENCE_SECONDS
from tests.terminal import run_in_terminal

Command = Callable[..., subprocess.CompletedProcess[bytes]]

# More than the buffer of a pipe holds, and than one batch of documents.
MANY = 40_000
_SEGMENT_KEY = ObjectId("0123456789abcdef01234567")
SEGMENT_ID = f"seg_{_SEGMENT_KEY}"
_AT = datetime(2026, 1, 31, tzinfo=UTC)


def add_segment(database: Any) -> None:
    """Stores a segment of everyone whose sourceId begins with c."""
    condition = {"path": "sourceId", "operator": "STARTS_WITH", "value": "c"}
    database.segments.insert_one(
        {
            "_id": _SEGMENT_KEY,
            "name": "Everyone",
            "description": None,
            "kind": "PASSIVE",
            "filter": {"attribute": condition},
            "createdAt": _AT,
            "updatedAt": _AT,
            "revision": 1,
        }
    )
    database.counters.insert_one({"_id": "definitions", "revision": 1, "stampedRevisions": 1})


def add_customers(database: Any, count: int) -> None:
    database.customers.insert_many(
        {
            "sourceId": f"c{number}",
            "name": f"Name, {number}",
            "createdAt": _AT,
            "updatedAt": _AT,
            "version": 1,
            "metadata": {"n": number, "text": "x" * 500},
        }
        for number in range(count)
    )


@pytest.fixture
def shop_database(settings: Settings, mongo_client: MongoClient[Any]) -> Any:
    database = mongo_client[settings.database]
    add_segment(database)
    return database


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    assert settings.mongodb_url
    return environment_of(settings.mongodb_url.get_secret_value(), settings)


def environment_of(mongodb_url: str, settings: Settings) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SEGMENTS_", "REDIS"))
    }
    return {**inherited, "MONGODB_URL": mongodb_url, "SEGMENTS_DATABASE": settings.database}


@contextmanager
def started(
    environment: dict[str, str], folder: Path, *arguments: str, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-m", "app", "export", SEGMENT_ID, *arguments],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        **options,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def run_export(environment: dict[str, str], tmp_path: Path) -> Command:
    """run_export("-o", "a.csv") exports the segment in the test's folder."""

    def run(*arguments: str, segment: str = SEGMENT_ID) -> subprocess.CompletedProcess[bytes]:
        return run_segments(("export", segment, *arguments), tmp_path, environment)

    return run


def test_a_file(run_export: Command, shop_database: Any, tmp_path: Path) -> None:
    add_customers(shop_database, 2_345)
    done = run_export("-o", "a.csv", "--fields", "metadata.n, name")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"export: 2,345 rows written to a.csv in ")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["metadata.n", "name"], *([str(n), f"Name, {n}"] for n in range(2_345))]
    assert os.listdir(tmp_path) == ["a.csv"]


def test_standard_output_and_no_members(run_export: Command, shop_database: Any) -> None:
    header_only = run_export("-o", "-")
    assert (header_only.returncode, header_only.stdout) == (0, b"sourceId,name,email\r\n")
    add_customers(shop_database, 2)
    done = run_export()
    assert (done.returncode, done.stderr) == (0, b"")
    rows = list(csv.reader(io.StringIO(done.stdout.decode(), newline="")))
    assert rows[1:] == [["c0", "Name, 0", ""], ["c1", "Name, 1", ""]]


@pytest.mark.parametrize(
    "arguments", [("--format", "ndjson"), ("-o", "a.ndjson"), ("-o", "A.JSONL")]
)
def test_ndjson(
    run_export: Command, shop_database: Any, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    add_customers(shop_database, 1)
    done = run_export(*arguments, "--fields", "sourceId,metadata.n")
    content = (tmp_path / arguments[1]).read_bytes() if arguments[0] == "-o" else done.stdout
    assert json.loads(content) == {"sourceId": "c0", "metadata": {"n": 0}}


def test_a_column_that_nobody_has_is_said_beside_the_rows(
    run_export: Command, shop_database: Any
) -> None:
    add_customers(shop_database, 1)
    done = run_export("--fields", "sourceId,metadata.txet")
    assert (done.returncode, done.stdout) == (0, b"sourceId,metadata.txet\r\nc0,\r\n")
    assert done.stderr == (
        b"segments: No customer has a value at 'metadata.txet'; the nearest metadata key is"
        b" 'text'.\n"
    )


def test_a_static_segment(run_export: Command, shop_database: Any) -> None:
    add_customers(shop_database, 5)
    shop_database.segments.update_one({}, {"$set": {"kind": "STATIC", "filter": None}})
    keys = [row["_id"] for row in shop_database.customers.find().sort("_id")]
    members = [{"segmentId": _SEGMENT_KEY, "customerId": key} for key in (keys[3], keys[1])]
    shop_database.members.insert_many(members)
    assert run_export("--fields", "sourceId").stdout == b"sourceId\r\nc1\r\nc3\r\n"


@pytest.mark.parametrize(
    ("arguments", "segment", "status", "line"),
    [
        (("--fields", "sourceId,emial"), SEGMENT_ID, 1, "no field 'emial'; the nearest is 'email'"),
        (("--fields", ""), SEGMENT_ID, 1, "needs at least one field"),
        ((), "seg_unknown", 1, f"There is no segment 'seg_unknown'; perhaps {SEGMENT_ID}, 'Every"),
        ((), "Everyone", 1, f"perhaps {SEGMENT_ID}, 'Everyone'."),
        (("-o", "no/where.csv"), SEGMENT_ID, 1, "No such file or directory"),
        (("-o", "."), SEGMENT_ID, 1, " is a folder; name a file"),
        (("--format", "xml"), SEGMENT_ID, 2, "'xml' is not one of"),
    ],
)
def test_one_line_says_what_is_wrong(
    run_export: Command,
    shop_database: Any,
    tmp_path: Path,
    arguments: tuple[str, ...],
    segment: str,
    status: int,
    line: str,
) -> None:
    done = run_export(*arguments, segment=segment)
    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.startswith(b"segments: ")
    assert done.stderr.count(b"\n") == 1
    assert line in done.stderr.decode()
    assert os.listdir(tmp_path) == []


def test_a_failure_leaves_an_older_file(
    run_export: Command, shop_database: Any, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("older")
    assert run_export("-o", "a.csv", "--fields", "what").returncode == 1
    assert os.listdir(tmp_path) == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "older"
    assert run_export("-o", "a.csv").returncode == 0
    assert (tmp_path / "a.csv").read_text() != "older"


def test_a_link_and_a_device_stay_what_they_are(
    run_export: Command, shop_database: Any, tmp_path: Path
) -> None:
    (tmp_path / "target.csv").touch()
    (tmp_path / "link.csv").symlink_to("target.csv")
    assert run_export("-o", "link.csv").returncode == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "target.csv").read_bytes() == b"sourceId,name,email\r\n"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert run_export("-o", "pipe").returncode == 0
    assert os.read(reader, 1000) == b"sourceId,name,email\r\n"
    os.close(reader)
    assert sorted(os.listdir(tmp_path)) == ["link.csv", "pipe", "target.csv"]


def test_a_reader_that_leaves(
    environment: dict[str, str], shop_database: Any, tmp_path: Path
) -> None:
    add_customers(shop_database, MANY)
    with started(environment, tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"sourceId,name,email\r\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE_SECONDS) == 141


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_export_to_a_pipe(
    environment: dict[str, str], shop_database: Any, tmp_path: Path, signal_number: int
) -> None:
    """It waits for the reader when the signal arrives."""
    add_customers(shop_database, MANY)
    with started(environment, tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal_number)
        message = process.stderr.read().decode()
        assert process.wait(PATIENCE_SECONDS) == 128 + signal_number
    assert message.startswith("segments: interrupted: ")
    assert message.endswith(" rows were written\n")
    assert message.count("\n") == 1


def test_an_interrupted_export_leaves_no_file(
    environment: dict[str, str], shop_database: Any, tmp_path: Path
) -> None:
    add_customers(shop_database, MANY)
    (tmp_path / "a.csv").write_text("older")
    part = tmp_path / "a.csv.part"
    arguments = ("-o", "a.csv", "--fields", "metadata")
    with started(environment, tmp_path, *arguments, stdout=subprocess.PIPE) as process:
        assert process.stderr
        wait_until(
            lambda: (part.exists() and part.stat().st_size > 100) or process.poll() is not None, 60
        )
        process.send_signal(signal.SIGSTOP)
        assert (tmp_path / "a.csv").read_text() == "older"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        message = process.stderr.read().decode()
        assert process.wait(PATIENCE_SECONDS) == 130
    assert message.endswith(" rows were written, and a.csv is not complete\n")
    assert not message.startswith("segments: interrupted: 0 rows")
    assert os.listdir(tmp_path) == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "older"


def test_mongodb_is_gone(own_mongod: Mongod, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    with MongoClient[Any](own_mongod.url) as client:
        add_segment(client[settings.database])
        add_customers(client[settings.database], MANY)
    environment = environment_of(own_mongod.url, settings)
    with started(environment, folder, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.readline()
        own_mongod.stop()
        rows = 1 + process.stdout.read().count(b"\r\n")
        message = process.stderr.read().decode()
        assert process.wait(PATIENCE_SECONDS) == 1
    assert 0 < rows < MANY
    assert message.startswith("segments: MongoDB: ")
    assert message.endswith(f"; {rows:,} rows were written\n")
    assert message.count("\n") == 1


def test_a_bar_on_a_terminal(
    environment: dict[str, str], shop_database: Any, tmp_path: Path
) -> None:
    add_customers(shop_database, 5)
    output, shown = run_in_terminal(environment, tmp_path, "export", SEGMENT_ID)
    assert b"5 rows" in shown
    assert output.count(b"\r\n") == 6


def test_without_an_address_it_looks_for_a_running_up(
    environment: dict[str, str], tmp_path: Path
) -> None:
    del environment["MONGODB_URL"]
    with started(environment, tmp_path, "--data", "here") as process:
        assert process.stderr
        message = process.stderr.read()
        assert process.wait(PATIENCE_SECONDS) == 1
    assert message == b"segments: MONGODB_URL is not set, and no `segments up` runs in here\n"
