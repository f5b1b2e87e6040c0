"""A mongod that fails when told to, as one does in an election."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from app.local.mongod import Mongod
from tests.api import Documents, Json


class FailingMongod(Mongod):
    """A mongod that takes failpoints."""

    def run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        super().run([*command, "--setParameter", "enableTestCommands=1"], environment)


@contextmanager
def failing_commands(
    database: Documents, *commands: str, mode: Json | str | None = None, **failure_options: Any
) -> Iterator[None]:
    """Meanwhile these commands of the program fail, the next one of them where no mode is given."""
    admin = database.client.admin
    data = {"appName": "customer-segments", "failCommands": [*commands], **failure_options}
    admin.command({"configureFailPoint": "failCommand", "mode": mode or {"times": 1}, "data": data})
    try:
        yield
    finally:
        admin.command({"configureFailPoint": "failCommand", "mode": "off"})
