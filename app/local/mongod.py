"""The mongod of `segments up`: a replica set of one member."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from app.local import programs
from app.local.process import ChildProcess
from app.local.unix_socket import UnixSocket
from app.settings import Settings

_REPLICA_SET = "rs0"
_NOT_YET_INITIALIZED_CODE = 94


class Mongod(ChildProcess):
    """`start` returns at once; `wait_until_ready` blocks until mongod accepts writes."""

    title = "MongoDB"

    def __init__(self, folder: Path, settings: Settings) -> None:
        super().__init__("mongod", folder)
        self._settings = settings
        self._executable = programs.find_mongod()
        self.socket = UnixSocket(folder, "mongod.sock")

    @property
    def url(self) -> str:
        return f"mongodb://{quote(str(self.socket.path), safe='')}/?replicaSet={_REPLICA_SET}"

    def start(self) -> None:
        self.stop_leftover()
        self.socket.prepare()
        data_folder = self.folder / "data"
        data_folder.mkdir(parents=True, exist_ok=True)
        self.run(
            [
                *(
                    self._executable,
                    "--dbpath",
                    str(data_folder),
                    "--replSet",
                    _REPLICA_SET,
                    "--quiet",
                ),
                # --nounixsocket: no second socket in /tmp, where mongod puts one by default.
                *("--bind_ip", str(self.socket.path), "--nounixsocket"),
                # The program uses neither, and features that are off can't be attacked.
                *("--noscripting", "--networkMessageCompressors", "disabled"),
                # mongod would log slow operations with the values of documents.
                *("--slowOpSampleRate", "0"),
                *("--oplogSize", str(self._settings.oplog_mib)),
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            ]
        )

    def wait_until_ready(self) -> None:
        direct_url = f"mongodb://{quote(str(self.socket.path), safe='')}/?directConnection=true"
        with MongoClient[dict[str, Any]](
            direct_url, serverSelectionTimeoutMS=300, socketTimeoutMS=10_000
        ) as client:
            self.wait_until(lambda: self._is_primary(client))
            image_retention_seconds = round(self._settings.image_retention_hours * 3600)
            stream_options = {"preAndPostImages": {"expireAfterSeconds": image_retention_seconds}}
            client.admin.command("setClusterParameter", {"changeStreamOptions": stream_options})
            # mongod ignores --oplogSize once the folder has an oplog.
            client.admin.command("replSetResizeOplog", size=float(self._settings.oplog_mib))

    def stop(self, timeout_seconds: float = 5) -> None:
        super().stop(timeout_seconds)
        self.socket.remove()

    def _is_primary(self, client: MongoClient[dict[str, Any]]) -> bool:
        try:
            hello = client.admin.command("hello")
            if not hello["isWritablePrimary"]:
                self._configure_replica_set(client)
        except PyMongoError:
            return False
        return bool(hello["isWritablePrimary"])

    def _configure_replica_set(self, client: MongoClient[dict[str, Any]]) -> None:
        """Initiates the replica set, or gives its only member the current path of the socket."""
        member = {"_id": 0, "host": str(self.socket.path)}
        try:
            config = client.admin.command("replSetGetConfig")["config"]
        except OperationFailure as error:
            if error.code != _NOT_YET_INITIALIZED_CODE:
                raise
            client.admin.command("replSetInitiate", {"_id": _REPLICA_SET, "members": [member]})
            return
        if config["members"][0]["host"] != member["host"]:
            config["members"] = [member]
            config["version"] += 1
            client.admin.command("replSetReconfig", config, force=True)


def is_shop_empty(url: SecretStr, database: str) -> bool:
    """Whether the database has no customers. Returns False if MongoDB does not answer."""
    with MongoClient[dict[str, Any]](
        url.get_secret_value(), serverSelectionTimeoutMS=2_000, socketTimeoutMS=2_000
    ) as client:
        try:
            return client[database].customers.find_one({}, {"_id": 1}) is None
        except PyMongoError:
            return False
