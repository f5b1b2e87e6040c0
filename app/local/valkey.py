"""The Valkey of `segments up`. Its append-only file keeps queued jobs over restarts."""

import shutil
from pathlib import Path

import structlog
from redis import Redis
from redis.exceptions import RedisError

from app.local import programs
from app.local.process import ChildProcess
from app.local.unix_socket import UnixSocket

log = structlog.get_logger()

_APPEND_ONLY_FOLDER = "appendonlydir"
_MANIFEST = "appendonly.aof.manifest"


class Valkey(ChildProcess):
    """`start` returns at once; `wait_until_ready` blocks until Valkey answers."""

    title = "Valkey"

    def __init__(self, folder: Path) -> None:
        super().__init__("valkey", folder)
        self._executable = programs.find_valkey_server()
        self.socket = UnixSocket(folder, "valkey.sock")

    @property
    def url(self) -> str:
        return f"unix://{self.socket.path}?db=0"

    def start(self) -> None:
        self.stop_leftover()
        self.socket.prepare()
        self._set_aside_damaged_file()
        self.run(
            [
                *(self._executable, "--port", "0"),
                *("--unixsocket", str(self.socket.path), "--unixsocketperm", "700"),
                *("--dir", str(self.folder), "--appendonly", "yes", "--save", ""),
                # Keeps the command line, by which stop_leftover recognizes the process.
                *("--daemonize", "no", "--set-proc-title", "no"),
            ]
        )

    def _set_aside_damaged_file(self) -> None:
        """Renames the folder of the append-only file if a crash of the machine has emptied the
        manifest: Valkey would not start. Workers enqueue the jobs again that are lost with it."""
        folder = self.folder / _APPEND_ONLY_FOLDER
        try:
            if (folder / _MANIFEST).read_bytes().strip(b"\0"):
                return
        except FileNotFoundError:
            return
        damaged_folder = folder.with_name(f"{_APPEND_ONLY_FOLDER}.damaged")
        shutil.rmtree(damaged_folder, ignore_errors=True)
        folder.rename(damaged_folder)
        log.warning(
            "a crash has damaged Valkey's append-only file; Valkey starts with an empty one, and"
            " workers enqueue missing jobs again",
            damaged_folder=str(damaged_folder),
        )

    def wait_until_ready(self) -> None:
        with Redis(unix_socket_path=str(self.socket.path), socket_timeout=5) as client:
            self.wait_until(lambda: _responds_to_ping(client))

    def stop(self, timeout_seconds: float = 5) -> None:
        super().stop(timeout_seconds)
        self.socket.remove()


def _responds_to_ping(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False
