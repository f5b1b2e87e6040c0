"""The embedded MongoDB and Valkey are the real programs, whose logs reveal no data. A full disk
leaves no process behind."""

import signal
from pathlib import Path

import pytest
import structlog
from pymongo import MongoClient
from redis import Redis

from app.errors import SetupError
from app.local.mongod import Mongod
from app.local.process import ChildProcess
from app.local.valkey import Valkey
from app.settings import Settings
from tests.local_processes import running_process


def test_the_mongod_of_the_session_takes_transactions_and_keeps_images(
    settings: Settings, database: str
) -> None:
    assert settings.mongodb_url
    with MongoClient[dict[str, object]](settings.mongodb_url.get_secret_value()) as client:
        rows = client[database]["rows"]
        client[database].create_collection("rows", changeStreamPreAndPostImages={"enabled": True})
        with client.start_session() as session, session.start_transaction():
            rows.insert_one({"_id": 1, "n": 1}, session=session)
        with rows.watch(
            full_document="whenAvailable", full_document_before_change="whenAvailable"
        ) as changes:
            rows.update_one({"_id": 1}, {"$set": {"n": 2}})
            change = changes.next()
        assert change["fullDocumentBeforeChange"] == {"_id": 1, "n": 1}
        assert change["fullDocument"] == {"_id": 1, "n": 2}


def test_each_test_finds_redis_empty(settings: Settings) -> None:
    assert settings.redis_url
    with Redis.from_url(settings.redis_url.get_secret_value()) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


test_and_so_does_the_next = test_each_test_finds_redis_empty


def test_mongod_does_not_log_the_values_of_documents(mongod: Mongod, database: str) -> None:
    with MongoClient[dict[str, object]](mongod.url) as client:
        every_operation_is_slow, default = -1, 100
        client[database].command("profile", 0, slowms=every_operation_is_slow)
        try:
            client[database]["customers"].insert_one({"sourceId": "secret-4711"})
            client[database]["customers"].find_one({"sourceId": "secret-4711"})
            client[database].command("ping")
        finally:
            client[database].command("profile", 0, slowms=default)

    assert mongod.log_file
    assert "secret-4711" not in mongod.log_file.read_text()


@pytest.mark.parametrize("manifest", [b"", bytes(64)], ids=["empty", "zeros"])
def test_valkey_starts_after_a_crash_has_emptied_the_manifest(
    tmp_path: Path, manifest: bytes
) -> None:
    with running_process(Valkey(tmp_path)):
        pass
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_bytes(manifest)

    with (
        structlog.testing.capture_logs() as entries,
        running_process(Valkey(tmp_path)) as valkey,
        Redis.from_url(valkey.url) as client,
    ):
        assert client.dbsize() == 0

    assert [entry["damaged_folder"] for entry in entries] == [
        str(tmp_path / "appendonlydir.damaged")
    ]


def test_a_process_whose_pid_file_cannot_be_written_is_ended(tmp_path: Path) -> None:
    (tmp_path / "sleeper.pid").symlink_to("/dev/full")
    sleeper = ChildProcess("sleeper", tmp_path)

    with pytest.raises(SetupError, match=r"can't write .*sleeper.pid: No space left on device"):
        sleeper.run(["sleep", "60"])

    assert sleeper.exit_status == -signal.SIGKILL
