"""A Valkey of our own: queued jobs survive in its append-only file."""

from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from app.local import programs
from app.local.process import Process
from app.local.unix_socket import UnixSocket


class Valkey(Process):
    """start() returns at once; ready() blocks until it answers."""

    def __init__(self, folder: Path) -> None:
        super().__init__("valkey", folder)
        self._program = programs.valkey_server()
        self.socket = UnixSocket(folder, "valkey.sock")

    @property
    def url(self) -> str:
        return f"unix://{self.socket.path}?db=0"

    def start(self) -> None:
        self.end_leftover()
        self.socket.prepare()
        self.run(
            [
                *(self._program, "--port", "0"),
                *("--unixsocket", str(self.socket.path), "--unixsocketperm", "700"),
                *("--dir", str(self.folder), "--appendonly", "yes", "--save", ""),
                # The command line says whose it is, so that a leftover is known.
                *("--daemonize", "no", "--set-proc-title", "no"),
            ]
        )

    def ready(self) -> None:
        with Redis(unix_socket_path=str(self.socket.path), socket_timeout=5) as client:
            self.wait_until(lambda: _answers(client))

    def stop(self, seconds: float = 5) -> None:
        super().stop(seconds)
        self.socket.remove()


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False
