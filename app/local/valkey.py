"""A Valkey of our own: queued jobs survive in its append-only file."""

from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from app.local import programs
from app.local.process import LOOPBACK, Process, kept_port


class Valkey(Process):
    """start() returns at once; ready() blocks until it answers."""

    def __init__(self, folder: Path) -> None:
        super().__init__("valkey", folder)
        self._program = programs.valkey_server()
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def start(self) -> None:
        self.end_leftover()
        self.port = self.port or kept_port(self.folder / "valkey.port")
        self.run(
            [
                *(self._program, "--bind", LOOPBACK, "--port", str(self.port)),
                *("--dir", str(self.folder), "--appendonly", "yes", "--save", ""),
                # The command line says whose it is, so that a leftover is known.
                *("--daemonize", "no", "--set-proc-title", "no"),
            ]
        )

    def ready(self) -> None:
        with Redis(host=LOOPBACK, port=self.port, socket_timeout=5) as client:
            self.wait_until(lambda: _answers(client))


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False
