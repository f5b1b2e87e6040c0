"""A replica set of two members: a failpoint on the secondary takes the majority away."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from pydantic import SecretStr
from pymongo import MongoClient, WriteConcern
from pymongo.errors import PyMongoError

from app.local import programs
from app.local.process import ChildProcess
from app.settings import Settings
from tests.api import Json
from tests.ports import LOOPBACK, free_port

REPLICA_SET_NAME = "rs0"


class MemberWithFailpoints(ChildProcess):
    """A member of a replica set with failpoints."""

    def __init__(self, folder: Path) -> None:
        super().__init__("mongod", folder)
        self.host = ""

    def start(self) -> None:
        port = free_port()
        self.host = f"{LOOPBACK}:{port}"
        data = self.folder / "data"
        data.mkdir(parents=True)
        self.run(
            [
                *(
                    programs.find_mongod(),
                    "--dbpath",
                    str(data),
                    "--replSet",
                    REPLICA_SET_NAME,
                    "--quiet",
                ),
                *("--bind_ip", LOOPBACK, "--port", str(port), "--nounixsocket"),
                *("--oplogSize", "990", "--setParameter", "enableTestCommands=1"),
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            ]
        )

    def client(self) -> MongoClient[Json]:
        address = f"mongodb://{self.host}/?directConnection=true"
        return MongoClient(address, serverSelectionTimeoutMS=300)

    def has_state(self, field: str) -> bool:
        try:
            with self.client() as client:
                return bool(client.admin.command("hello").get(field))
        except PyMongoError:
            return False

    def is_up(self) -> bool:
        return self.has_state("ok")

    def set_failpoint(self, point: str, mode: str) -> None:
        with self.client() as client:
            client.admin.command({"configureFailPoint": point, "mode": mode})

    def wait_for_failpoint(self, point: str) -> None:
        with self.client() as client:
            wait = {"waitForFailPoint": point, "timesEntered": 1, "maxTimeMS": 60_000}
            client.admin.command(wait)


MemberPair = tuple[MemberWithFailpoints, MemberWithFailpoints]


def settings_of(pair: MemberPair) -> Settings:
    """Returns the settings of a program with a new database in the replica set."""
    hosts = ",".join(member.host for member in pair)
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        mongodb_url=SecretStr(f"mongodb://{hosts}/?replicaSet={REPLICA_SET_NAME}"),
        database=f"test_{uuid4().hex}",
    )


def stop_replication(pair: MemberPair) -> None:
    """Keeps what is written from a majority, until `resume_replication`."""
    primary, secondary = pair
    secondary.set_failpoint("stopReplProducer", "alwaysOn")
    with primary.client() as client:
        # The failpoint takes effect on the secondary with the next write.
        client.get_database("test", write_concern=WriteConcern(1)).lag.insert_one({})
    secondary.wait_for_failpoint("stopReplProducer")


def resume_replication(pair: MemberPair) -> None:
    _, secondary = pair
    secondary.set_failpoint("stopReplProducer", "off")


@contextmanager
def running_pair(folder: Path) -> Iterator[MemberPair]:
    """A primary and a secondary; a majority needs both."""
    pair = MemberWithFailpoints(folder / "0"), MemberWithFailpoints(folder / "1")
    try:
        for member in pair:
            member.start()
        for member in pair:
            member.wait_until(member.is_up)
        primary, secondary = pair
        rows = [{"_id": n, "host": m.host, "priority": 1 - n} for n, m in enumerate(pair)]
        with primary.client() as client:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET_NAME, "members": rows})
        primary.wait_until(lambda: primary.has_state("isWritablePrimary"))
        secondary.wait_until(lambda: secondary.has_state("secondary"))
        yield pair
    finally:
        for member in pair:
            member.stop(1)
