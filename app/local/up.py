"""Everything on one machine: `segments up`."""

import asyncio
import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from app.errors import Unusable
from app.graphiql.build import BUNDLE, is_built
from app.local import addresses, data_folder, running
from app.local.mongod import Mongod
from app.local.ours import Api, GraphiqlBundle, Worker
from app.local.process import Process
from app.local.supervisor import bring_up, keep_alive, stop_together
from app.local.valkey import Valkey
from app.settings import Settings

Say = Callable[[str], None]


@dataclass(frozen=True)
class House:
    """The parts: what is ours runs on top of what is stored."""

    mongod: Mongod | None
    valkey: Valkey | None
    api: Api
    worker: Worker
    bundle: GraphiqlBundle

    @property
    def stores(self) -> list[Mongod | Valkey]:
        return [part for part in (self.mongod, self.valkey) if part]

    @property
    def all(self) -> list[Process]:
        return [*self.stores, self.api, self.worker, self.bundle]

    async def stop(self) -> None:
        """Within 10 s in all, whatever hangs."""
        await stop_together([self.api, self.worker, self.bundle], 4)
        await stop_together([self.valkey] if self.valkey else [], 1)
        await stop_together([self.mongod] if self.mongod else [], 4)


def run(
    settings: Settings,
    folder: Path,
    host: str,
    port: int,
    announce: Say,
    warn: Say,
    sample: bool = False,
) -> None:
    addresses.refuse_the_network(host)
    folder = folder.resolve()
    # Whatever we or our parts write is nobody else's.
    os.umask(0o077)
    data_folder.prepare(folder)
    with _alone_in(folder):
        asyncio.run(_run(settings, folder, host, port, announce, warn, sample))


async def _run(
    settings: Settings,
    folder: Path,
    host: str,
    port: int,
    announce: Say,
    warn: Say,
    sample: bool,
) -> None:
    # From here on no signal comes between the start of a part and its being known.
    told = asyncio.create_task(_told_to_stop().wait())
    environment: dict[str, str] = {}
    house = House(
        mongod=None if settings.mongodb_url else Mongod(folder / "mongod", settings),
        valkey=None if settings.redis_url else Valkey(folder / "valkey"),
        api=Api(folder, host, port, environment),
        worker=Worker(folder, environment),
        bundle=GraphiqlBundle(folder / "graphiql"),
    )
    bundles = settings.graphiql_bundle is None and not is_built(BUNDLE)
    if bundles:
        environment["SEGMENTS_GRAPHIQL_BUNDLE"] = str(house.bundle.path)
    for part in reversed(house.all):
        part.end_leftover()
    running.forget(folder)
    addresses.listen(host, port).close()

    async def live() -> None:
        async with asyncio.TaskGroup() as watch:
            await bring_up(house.stores)
            if house.mongod:
                environment["MONGODB_URL"] = house.mongod.url
            if house.valkey:
                environment["REDIS_URL"] = house.valkey.url
            for store in house.stores:
                watch.create_task(keep_alive(store, warn))
            await bring_up([house.api, house.worker])
            running.write(folder, environment)
            if sample:
                announce(await _load_sample(settings, environment))
            announce(f"Ready: {addresses.url(host, port, '/graphql')}")
            for ours in (house.api, house.worker):
                watch.create_task(keep_alive(ours, warn))
            if bundles and house.bundle.can_be_made:
                house.bundle.start()

    living = asyncio.create_task(live())
    try:
        await asyncio.wait([living, told], return_when=asyncio.FIRST_COMPLETED)
    finally:
        living.cancel()
        told.cancel()
        running.forget(folder)
        await house.stop()
    with suppress(asyncio.CancelledError):
        await living


async def _load_sample(settings: Settings, environment: dict[str, str]) -> str:
    from app.services.sample import load_into

    if url := environment.get("MONGODB_URL"):
        settings = settings.model_copy(update={"mongodb_url": SecretStr(url)})
    return await load_into(settings)


def _told_to_stop() -> asyncio.Event:
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    try:
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise Unusable(f"can't keep data in {folder}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unusable(f"another `segments up` runs in {folder}; use its own --data") from None
        yield
