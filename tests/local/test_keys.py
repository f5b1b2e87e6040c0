"""`segments keys` beside a running `up` and with MONGODB_URL, and `up` with keys."""

import json
import re
from http.client import HTTPConnection
from pathlib import Path

import pytest
from pymongo import MongoClient

from app.local.mongod import Mongod
from tests.local.conftest import ProgramProcess, RunProgram, WaitUntil
from tests.patience import PATIENCE_SECONDS

EXIT_SECONDS = 60
MINUTE = r"\d{4}-\d\d-\d\d \d\d:\d\d"
KEY = re.compile(r"sgk_[a-z2-7]{8}_[A-Za-z0-9_-]{43}")


def run_keys(run_program: RunProgram, *arguments: str, **environment: str) -> ProgramProcess:
    program = run_program("keys", *arguments, **environment)
    assert program.wait_for_exit(EXIT_SECONDS) == 0, program.stderr
    return program


def request_status(port: int, key: str | None) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    body = json.dumps({"query": "{ viewer { role } }"})
    try:
        connection.request("POST", "/graphql", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_keys_beside_a_running_up(
    run_program: RunProgram, run_forked: RunProgram, tmp_path: Path, port: int, until: WaitUntil
) -> None:
    data = str(tmp_path / "data")
    up = run_program("up", "--data", data, "--port", str(port), SEGMENTS_AUTH="keys")
    up.wait_for_output("Create a key: ")
    assert up.stdout == (
        f"Ready: http://127.0.0.1:{port}/graphql\n"
        f"Dashboard: http://127.0.0.1:{port}/app/\n"
        f"Create a key: segments keys create --role admin --data {data}\n"
    )
    assert request_status(port, None) == 401

    created = run_keys(
        *(run_program, "create", "--role", "admin", "--name", "the shop's own"),
        *("--expires", "P90D", "--data", data),
    )
    key = created.stdout.splitlines()[-1]
    prefix = key[:12]
    assert KEY.fullmatch(key)
    assert request_status(port, key) == 200

    mongodb_url = json.loads((tmp_path / "data" / "addresses.json").read_text())["MONGODB_URL"]
    with MongoClient[dict[str, object]](mongodb_url) as client:
        until(
            lambda: client["segments"]["apiKeys"].count_documents({"lastUsedAt": {"$exists": True}})
        )
    listed = run_keys(run_forked, "list", "--data", data).stdout
    (line,) = [line for line in listed.splitlines() if line.startswith(prefix)]
    assert re.fullmatch(rf"{prefix}  admin  the shop's own(  {MINUTE}){{3}}", line)
    assert key.removeprefix(prefix) not in listed
    assert run_keys(run_forked, "revoke", prefix, "--data", data).stdout == f"Revoked {prefix}.\n"
    until(lambda: request_status(port, key) == 401)
    listed = run_keys(run_forked, "list", "--data", data).stdout
    assert prefix not in listed
    doctor = run_forked("doctor", "--data", data)
    doctor.wait_for_exit(EXIT_SECONDS)
    assert "SEGMENTS_AUTH = keys\n" in doctor.stdout
    assert "fix   keys: on, but there is no valid key" in doctor.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("create",), 2, "Missing option '--role'"),
        (("create", "--role", "owner"), 2, "'owner' is not one of"),
        (("create", "--role", "read", "--expires", "soon"), 2, "--expires: must be a duration"),
        (("create", "--role", "read", "--name", "a\nb"), 1, "A name has 1 to 100 printable"),
        (("create", "--role", "read", "--name", " "), 1, "A name has 1 to 100 printable"),
        (("revoke", "sgk_aaaaaaaa"), 1, "No key has the prefix 'sgk_aaaaaaaa'"),
    ],
)
def test_wrong_usage_is_reported_in_one_line(
    run_forked: RunProgram,
    mongod: Mongod,
    database: str,
    arguments: tuple[str, ...],
    status: int,
    message: str,
) -> None:
    environment = {"MONGODB_URL": mongod.url, "SEGMENTS_DATABASE": database}
    program = run_forked("keys", *arguments, **environment)
    assert program.wait_for_exit(EXIT_SECONDS) == status
    assert program.stdout == ""
    assert program.stderr.count("\n") == 1
    assert message in program.stderr
    assert len(run_keys(run_forked, "list", **environment).stdout.splitlines()) == 1


def test_with_keys_up_listens_on_other_addresses(
    run_program: RunProgram, tmp_path: Path, port: int
) -> None:
    data = str(tmp_path / "data")
    program = run_program("up", "--data", data, "--host", "0.0.0.0", "--port", str(port))
    program.wait_for_output("Create a key: ")

    assert request_status(port, None) == 401
    (api,) = [process for process in program.process_tree() if "api" in process.cmdline()]
    # Webhooks to this machine are for trying out alone.
    assert "SEGMENTS_WEBHOOK_ALLOW_PRIVATE" not in api.environ()
