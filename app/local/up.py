"""`segments up`: runs everything on one machine until a signal arrives."""

import asyncio
import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from app import open_files
from app.errors import SetupError
from app.host_check import is_loopback
from app.local import addresses, data_folder, running_addresses
from app.local.mongod import Mongod, is_shop_empty
from app.local.own_programs import ApiProcess, BundleBuildProcess, WorkerProcess
from app.local.process import ChildProcess
from app.local.supervisor import start_all, stop_all, supervise
from app.local.valkey import Valkey
from app.settings import Settings

PrintLine = Callable[[str], None]

# Less than the time after which `stop` kills the API.
_API_STOP_SECONDS = 2

_EMPTY_SHOP = (
    "There are no customers yet: `segments import` or the API brings them in;"
    " `segments up --sample` loads a small made-up shop"
)


@dataclass(frozen=True)
class LocalStack:
    """The child processes. MongoDB or Valkey is None if the settings name one that runs already."""

    mongod: Mongod | None
    valkey: Valkey | None
    api: ApiProcess
    worker: WorkerProcess
    bundle_build: BundleBuildProcess

    @property
    def stores(self) -> list[Mongod | Valkey]:
        return [process for process in (self.mongod, self.valkey) if process]

    @property
    def all_processes(self) -> list[ChildProcess]:
        return [*self.stores, self.api, self.worker, self.bundle_build]

    async def stop(self) -> None:
        """Stops the programs before their databases, within 10 s in all."""
        await stop_all([self.api, self.worker, self.bundle_build], 4)
        await stop_all([self.valkey] if self.valkey else [], 1)
        await stop_all([self.mongod] if self.mongod else [], 4)


def run(
    settings: Settings,
    folder: Path,
    host: str,
    port: int,
    print_line: PrintLine,
    print_status: PrintLine,
    load_sample: bool = False,
) -> None:
    """Runs the stack in the data folder until SIGINT, SIGTERM or SIGHUP. Raises SetupError.

    Keys are off on a loopback address, unless the settings say otherwise. `print_line` gets the
    addresses once everything is ready; `print_status` gets what goes on before and afterwards.
    """
    if is_loopback(host) and "auth" not in settings.model_fields_set:
        settings = settings.model_copy(update={"auth": "off"})
    addresses.require_protection(host, settings.auth)
    open_files.raise_soft_limit()
    folder = folder.resolve()
    # No other user may read the files of this process and of its children.
    os.umask(0o077)
    data_folder.prepare(folder)
    with _exclusive_lock(folder):
        asyncio.run(_run(settings, folder, host, port, print_line, print_status, load_sample))


async def _run(
    settings: Settings,
    folder: Path,
    host: str,
    port: int,
    print_line: PrintLine,
    print_status: PrintLine,
    load_sample: bool,
) -> None:
    # Installed first, so that no signal can leave a started child running.
    stop_task = asyncio.create_task(_stop_on_signal().wait())
    environment: dict[str, str] = {
        "SEGMENTS_AUTH": settings.auth,
        # Ctrl-C ends everything soon, also a query that takes long.
        "SEGMENTS_STOP_SECONDS": str(_API_STOP_SECONDS),
    }
    if is_loopback(host):
        # A receiver on this machine is what a user tries first.
        environment["SEGMENTS_WEBHOOK_ALLOW_PRIVATE"] = "true"
    stack = LocalStack(
        mongod=None if settings.mongodb_url else Mongod(folder / "mongod", settings),
        valkey=None if settings.redis_url else Valkey(folder / "valkey"),
        api=ApiProcess(folder, host, port, environment),
        worker=WorkerProcess(folder, environment),
        bundle_build=BundleBuildProcess(folder / "bundles", settings),
    )
    if settings.secret_key is None:
        environment["SEGMENTS_SECRET_KEY"] = data_folder.load_secret_key(folder)
    environment.update(stack.bundle_build.environment)
    for process in reversed(stack.all_processes):
        process.stop_leftover()
    running_addresses.remove(folder)
    addresses.listen(host, port).close()

    async def run_stack() -> None:
        async with asyncio.TaskGroup() as tasks:
            if stack.stores:
                names = " and ".join(store.title for store in stack.stores)
                print_status(f"Starting {names}, with data in {folder}")
            await start_all(stack.stores)
            if stack.mongod:
                environment["MONGODB_URL"] = stack.mongod.url
            if stack.valkey:
                environment["REDIS_URL"] = stack.valkey.url
            for store in stack.stores:
                tasks.create_task(supervise(store, print_status))
            print_status("Starting the API and a worker")
            await start_all([stack.api, stack.worker])
            running_addresses.write(folder, environment)
            mongodb_url = _mongodb_url(settings, environment)
            if load_sample:
                print_status("Loading the sample shop")
                print_line(await _load_sample(settings, mongodb_url))
            print_line(
                f"Ready: {addresses.url(host, port, '/graphql')}\n"
                f"Dashboard: {addresses.url(host, port, '/app/')}"
            )
            if settings.auth == "keys":
                print_line(f"Create a key: segments keys create --role admin --data {folder}")
            if await asyncio.to_thread(is_shop_empty, mongodb_url, settings.database):
                print_status(_EMPTY_SHOP)
            print_status(f"Ctrl-C stops everything; to start afresh, delete {folder} then")
            for own_process in (stack.api, stack.worker):
                tasks.create_task(supervise(own_process, print_status))
            if stack.bundle_build.can_build:
                stack.bundle_build.start()

    stack_task = asyncio.create_task(run_stack())
    try:
        await asyncio.wait([stack_task, stop_task], return_when=asyncio.FIRST_COMPLETED)
    finally:
        if stop_task.done():
            print_status("Stopping")
        stack_task.cancel()
        stop_task.cancel()
        running_addresses.remove(folder)
        await stack.stop()
    with suppress(asyncio.CancelledError):
        await stack_task


def _mongodb_url(settings: Settings, environment: dict[str, str]) -> SecretStr:
    """Returns the URL of the mongod that was started, or else that of the settings."""
    if url := environment.get("MONGODB_URL"):
        return SecretStr(url)
    assert settings.mongodb_url
    return settings.mongodb_url


async def _load_sample(settings: Settings, mongodb_url: SecretStr) -> str:
    from app.services.sample import load_into

    return await load_into(
        settings.model_copy(update={"webhook_allow_private": True, "mongodb_url": mongodb_url})
    )


def _stop_on_signal() -> asyncio.Event:
    stop_event = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop_event.set)
    return stop_event


@contextmanager
def _exclusive_lock(folder: Path) -> Iterator[None]:
    try:
        lock_file = (folder / "lock").open("w")
    except OSError as error:
        raise SetupError(f"can't keep data in {folder}: {error.strerror}") from error
    with lock_file:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError(
                f"another `segments up` runs in {folder}; choose another folder with --data"
            ) from None
        yield
