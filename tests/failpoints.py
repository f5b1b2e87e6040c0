"""A mongod with failpoints, to simulate the errors of an election."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from app.local.mongod import Mongod
from tests.api import Documents, Json


class FailingMongod(Mongod):
    """A mongod that accepts failpoints."""

    def run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        super().run([*command, "--setParameter", "enableTestCommands=1"], environment)


@contextmanager
def failing_commands(
    database: Documents, *commands: str, mode: Json | str | None = None, **failure_options: Any
) -> Iterator[None]:
    """Makes these commands of the program fail while the context is open; by default only the
    next."""
    admin = database.client.admin
    data = {"appName": "customer-segments", "failCommands": [*commands], **failure_options}
    admin.command({"configureFailPoint": "failCommand", "mode": mode or {"times": 1}, "data": data})
    try:
        yield
    finally:
        admin.command({"configureFailPoint": "failCommand", "mode": "off"})


def count_failures(database: Documents) -> Callable[[int], None]:
    """Returns a function that returns once commands have failed this many times from now on."""
    admin = database.client.admin
    before = admin.command({"configureFailPoint": "failCommand", "mode": "off"})["count"]

    def wait_for_failures(times: int) -> None:
        command = {"waitForFailPoint": "failCommand", "timesEntered": before + times}
        admin.command({**command, "maxTimeMS": 30_000})

    return wait_for_failures
