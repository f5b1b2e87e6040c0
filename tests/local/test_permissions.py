"""Other users of the machine cannot read the data of `segments up`, nor connect to its stores."""

import os
import socket
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from app.local import data_folder
from app.local.mongod import Mongod
from app.local.unix_socket import UnixSocket
from app.local.valkey import Valkey
from app.settings import Settings
from tests.local.conftest import ProgramProcess, RunningUp, RunProgram
from tests.local.test_up import read_mongodb_url
from tests.local_processes import running_process
from tests.ports import LOOPBACK, free_port

Up = Callable[[Path], ProgramProcess]
LONG_NAME = "and-so-on-" * 12

IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root can act as another user")


@pytest.fixture
def run_up(run_program: RunProgram, port: int) -> Up:
    def start(data: Path) -> ProgramProcess:
        program = run_program("up", "--data", str(data), "--port", str(port))
        program.wait_for_output("Ready: ")
        return program

    return start


def permissions_for_others(path: Path) -> int:
    return path.lstat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def paths_open_to_others(folder: Path) -> list[Path]:
    return [path for path in (folder, *folder.rglob("*")) if permissions_for_others(path)]


def _temporary_folders() -> set[Path]:
    return set(Path("/tmp").glob("segments-????????"))


def test_other_users_have_no_permissions(running_up: RunningUp) -> None:
    assert paths_open_to_others(running_up.data_folder) == []
    listening = [
        connection.laddr.port
        for process in running_up.program.process_tree()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == [running_up.port]


def test_a_folder_that_was_open_is_closed_with_all_in_it(run_up: Up, tmp_path: Path) -> None:
    """An earlier version, or a careless copy, leaves a folder that others can read."""
    data = tmp_path / "data"
    (data / "valkey").mkdir(parents=True)
    for name in ("addresses.json", "valkey/valkey.log"):
        (data / name).touch()
        (data / name).chmod(0o666)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch(0o644)
    (data / "link").symlink_to(elsewhere)
    for folder in (data, data / "valkey"):
        folder.chmod(0o777)
    run_up(data)
    assert paths_open_to_others(data) == [data / "link"]
    assert permissions_for_others(elsewhere)


@needs_root
def test_the_folder_of_another_user_is_refused(
    run_program: RunProgram, tmp_path: Path, port: int
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 12345, 12345)
    program = run_program("up", "--data", str(data), "--port", str(port))
    assert program.wait_for_exit() == 1
    assert program.stderr == (
        f"segments: {data} belongs to another user; choose a folder of your own with --data\n"
    )
    assert list(data.iterdir()) == []


@needs_root
def test_another_user_reaches_neither_store(running_up: RunningUp) -> None:
    running_up.data_folder.parent.chmod(0o755)
    check_that_nobody_else_reaches_the_stores(running_up.data_folder)


def check_that_nobody_else_reaches_the_stores(data: Path) -> None:
    sockets = [
        Path(str(connection.laddr))
        for process in psutil.process_iter(["cmdline"])
        if str(data) in " ".join(process.info["cmdline"] or ())
        for connection in process.net_connections("unix")
        if str(connection.laddr).endswith(".sock")
    ]
    assert {path.name for path in sockets} == {"mongod.sock", "valkey.sock"}
    for path in set(sockets):
        assert can_connect(path, user=None)
        assert not can_connect(path, user=12345)


def can_connect(path: Path, user: int | None) -> bool:
    connect = f"import socket; socket.socket(socket.AF_UNIX).connect({str(path)!r})"
    python = "/usr/bin/env", "python3", "-c", connect
    return subprocess.run(python, user=user, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", [LONG_NAME, "Upper Case, and: more"])
def test_a_path_unfit_for_a_socket_is_replaced_by_a_temporary_one(
    run_up: Up, run_forked: RunProgram, tmp_path: Path, name: str
) -> None:
    before = _temporary_folders()
    data = tmp_path / name
    program = run_up(data)
    made = _temporary_folders() - before
    assert len(made) >= 2
    assert [folder for folder in made if permissions_for_others(folder)] == []
    if IS_ROOT:
        tmp_path.chmod(0o755)
        check_that_nobody_else_reaches_the_stores(data)
    rows = tmp_path / "rows.ndjson"
    rows.write_text('{"sourceId": "ann"}\n')
    beside = run_forked("import", "customers", str(rows), "--data", str(data))
    assert beside.wait_for_exit(30) == 0, beside.stderr

    program.process.kill()
    program.wait_for_exit()
    program = run_up(data)
    with MongoClient[dict[str, object]](read_mongodb_url(data)) as client:
        assert client["segments"]["customers"].count_documents({"sourceId": "ann"}) == 1
    program.process.terminate()
    assert program.wait_for_exit() == 0
    assert _temporary_folders() & made == set()


def test_a_temporary_folder_that_another_has_taken_is_left_alone(tmp_path: Path) -> None:
    place = UnixSocket(tmp_path / LONG_NAME, "part.sock")
    place.prepare()
    taken = place.path.parent
    place.remove()
    assert not taken.exists()
    target = tmp_path / "target"
    target.mkdir(0o700)
    (target / "kept").touch()
    taken.symlink_to(target)
    try:
        with pytest.raises(Exception, match="belongs to another user"):
            place.prepare()
        (tmp_path / LONG_NAME / "part.sock.folder").write_text(str(taken))
        UnixSocket(tmp_path / LONG_NAME, "part.sock").remove()
        assert (target / "kept").exists()
    finally:
        taken.unlink()


def test_unneeded_features_of_mongod_are_off(mongod: Mongod) -> None:
    with MongoClient[dict[str, object]](mongod.url) as client:
        compressors = ["zlib", "snappy", "zstd"]
        assert "compression" not in client.admin.command("hello", compression=compressors)
        with pytest.raises(OperationFailure, match="ScriptEngine"):
            client["any"]["rows"].find_one({"$where": "true"})


class MongodOnPort(Mongod):
    """A mongod of an earlier version: it listens on a port, and others can read its files."""

    port = free_port()

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        here = ["--bind_ip", LOOPBACK, "--port", str(self.port), "--nounixsocket"]
        data = str(self.folder / "data")
        super().run([command[0], "--dbpath", data, "--replSet", "rs0", "--quiet", *here])

    def wait_until_ready(self) -> None:
        with MongoClient[dict[str, object]](self.address, directConnection=True) as client:
            members = [{"_id": 0, "host": self.address}]
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
            self.wait_until(lambda: client.admin.command("hello")["isWritablePrimary"])
            client["kept"]["rows"].insert_one({"_id": 1})


def test_data_of_a_version_that_listened_on_a_port_is_kept(
    run_up: Up, tmp_path: Path, settings: Settings
) -> None:
    data = tmp_path / "data"
    with running_process(MongodOnPort(data / "mongod", settings)):
        pass
    data.chmod(0o755)
    run_up(data)
    with MongoClient[dict[str, object]](read_mongodb_url(data)) as client:
        assert client["kept"]["rows"].find_one() == {"_id": 1}


def test_a_stale_socket_of_a_crash_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "valkey"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / "valkey.sock"))
    with running_process(Valkey(folder)) as part:
        assert part.url == f"unix://{folder}/valkey.sock?db=0"
    assert not (folder / "valkey.sock").exists()


def test_a_secret_is_its_owners_from_its_first_byte(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.touch(0o644)
    data_folder.write_secret(file, "new")
    assert (file.read_text(), permissions_for_others(file)) == ("new", 0)
