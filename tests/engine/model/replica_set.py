"""A replica set of three members on this machine. A test can kill or pause each of them."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.local import programs
from app.local.process import ChildProcess
from tests.ports import LOOPBACK, free_port

Json = dict[str, Any]
Result = TypeVar("Result")

_REPLICA_SET_NAME = "rs0"
_ELECTION_MILLISECONDS = 2_000
_HEARTBEAT_MILLISECONDS = 500
_OPLOG_MIB = 990
_CACHE_GIB = 0.5
_MAX_ELECTION_SECONDS = 60
_HEALTHY_STATES = ("PRIMARY", "SECONDARY")


class ReplicaSetMember(ChildProcess):
    """A mongod of the replica set."""

    def __init__(self, folder: Path, number: int) -> None:
        super().__init__(f"mongod-{number}", folder / f"mongod-{number}")
        self.number = number
        self.port = free_port()

    @property
    def host(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def start(self) -> None:
        self.stop_leftover()
        data = self.folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        self.run(
            [
                *(
                    programs.find_mongod(),
                    "--dbpath",
                    str(data),
                    "--replSet",
                    _REPLICA_SET_NAME,
                    "--quiet",
                ),
                *("--bind_ip", LOOPBACK, "--port", str(self.port), "--nounixsocket"),
                *("--oplogSize", str(_OPLOG_MIB), "--wiredTigerCacheSizeGB", str(_CACHE_GIB)),
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            ]
        )

    def wait_until_ready(self) -> None:
        """Returns when the member responds to a ping."""
        self.wait_until(lambda: self.run_admin_command("ping") is not None)

    def run_admin_command(self, command: str, value: Any = 1, **options: Any) -> Json | None:
        """Runs a command on this member; returns its response, or None if it fails."""
        address = f"mongodb://{self.host}/?directConnection=true"
        with MongoClient[Json](
            address,
            serverSelectionTimeoutMS=500,
            connectTimeoutMS=500,
            socketTimeoutMS=15_000 if command.startswith("replSet") else 1_000,
        ) as client:
            try:
                answer: Json = client.admin.command(command, value, **options)
            except PyMongoError:
                return None
            return answer

    def pause_for(self, seconds: float) -> None:
        """Pauses the process, as a stalled disk does; blocks until it runs again.

        A process of its own resumes it, so that it runs again even if the test is killed.
        """
        assert self.pid
        os.kill(self.pid, signal.SIGSTOP)
        resume_command = f"sleep {seconds}; kill -CONT {self.pid}"
        subprocess.run(["sh", "-c", resume_command], check=False, start_new_session=True)


class ReplicaSet:
    """Three members. start() returns at once; wait_until_ready() blocks until there is a
    primary."""

    def __init__(self, folder: Path) -> None:
        self.members = [ReplicaSetMember(folder, number) for number in range(3)]

    @property
    def url(self) -> str:
        hosts = ",".join(member.host for member in self.members)
        return f"mongodb://{hosts}/?replicaSet={_REPLICA_SET_NAME}"

    def start(self) -> None:
        for member in self.members:
            member.start()

    def wait_until_ready(self) -> None:
        for member in self.members:
            member.wait_until_ready()
        member_configs = [{"_id": member.number, "host": member.host} for member in self.members]
        settings = {
            "electionTimeoutMillis": _ELECTION_MILLISECONDS,
            "heartbeatIntervalMillis": _HEARTBEAT_MILLISECONDS,
        }
        # MongoDB refuses this if the replica set is initiated already.
        config = {"_id": _REPLICA_SET_NAME, "members": member_configs, "settings": settings}
        self.members[0].run_admin_command("replSetInitiate", config)
        self.wait_until_healthy()

    def stop(self) -> None:
        for member in self.members:
            if member.pid:
                with suppress(ProcessLookupError):
                    os.kill(member.pid, signal.SIGCONT)
        for member in self.members:
            member.stop()

    def primary(self) -> ReplicaSetMember:
        """Returns the primary; waits until there is one."""
        return _wait_for(self._find_primary, "no primary")

    def secondaries(self) -> list[ReplicaSetMember]:
        primary = self.primary()
        return [member for member in self.members if member is not primary]

    def wait_for_another_primary(self, previous_primary: ReplicaSetMember) -> None:
        """Returns when the other members have elected a new primary. The previous one may hang."""

        def find_other_primary() -> ReplicaSetMember | None:
            others = [member for member in self.members if member is not previous_primary]
            return next(filter(_is_primary, others), None)

        _wait_for(find_other_primary, "no other primary")

    def wait_until_healthy(self) -> None:
        """Returns when one member is the primary and the others are secondaries."""

        def healthy_status() -> Json | None:
            primary = self._find_primary()
            status = primary.run_admin_command("replSetGetStatus") if primary else None
            if status and all(
                member["stateStr"] in _HEALTHY_STATES for member in status["members"]
            ):
                return status
            return None

        _wait_for(healthy_status, "not all members are healthy")

    def term(self) -> int:
        """Returns the term of the last election."""
        status = _wait_for(
            lambda: self.primary().run_admin_command("replSetGetStatus"), "no status"
        )
        return int(status["term"])

    def step_down(self, seconds: int) -> None:
        """Makes the primary step down; it does not stand for election for this many seconds."""
        options = {"secondaryCatchUpPeriodSecs": min(1, seconds), "force": True}
        self.primary().run_admin_command("replSetStepDown", seconds, **options)

    def _find_primary(self) -> ReplicaSetMember | None:
        return next(filter(_is_primary, self.members), None)


def _wait_for(find: Callable[[], Result | None], failure: str) -> Result:
    """Returns the first result of `find` that is not None. Raises TimeoutError."""
    deadline = time.monotonic() + _MAX_ELECTION_SECONDS
    while (result := find()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{failure} within {_MAX_ELECTION_SECONDS} s")
        time.sleep(0.05)
    return result


def _is_primary(member: ReplicaSetMember) -> bool:
    hello = member.run_admin_command("hello")
    return bool(hello and hello["isWritablePrimary"])
