"""Puts the shop into the database through the services, as any client would."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from app.domain.inputs import CustomerRef
from app.errors import Code, Refused
from app.filters import Now
from app.services.rows import MOST_ROWS, BulkResult
from app.services.sample.definitions import DEFINITIONS
from app.services.sample.segments import SEGMENTS
from app.services.sample.shop import Row, Shop, source_id
from app.services.services import Services
from app.settings import Settings
from app.store import Store

Take = Callable[[Sequence[Row], datetime], Awaitable[BulkResult]]


async def load_into(settings: Settings) -> str:
    """The same for a program that has no services open."""
    store = await Store.open(settings)
    try:
        return await load(Services(store, settings))
    finally:
        await store.close()


async def load(services: Services) -> str:
    """Loads what is not there yet of the sample, and tells what it is."""
    now = services.now()
    shop = Shop(await _opened(services, now))
    await _define(services)
    customers = await _all(shop.customers(), services.customers.upsert_many, now)
    orders = await _all(shop.orders(), services.orders.upsert, now)
    events = await _all(shop.events(), services.events.track, now)
    made = await _make(services, SEGMENTS, now)
    return (
        f"The sample shop is there: {customers:,} customers, {orders:,} orders,"
        f" {events:,} events, {made} segments"
    )


async def _opened(services: Services, now: Now) -> datetime:
    """The moment of the first loading, so that later ones say the same of the past."""
    first = await services.customers.get(CustomerRef.by_source_id(source_id(1)))
    return now.at if first is None else first.document["createdAt"]


async def _define(services: Services) -> None:
    for row in DEFINITIONS:
        definition = await services.metadata.define(row)
        # With no values there yet this is no work for a worker to wait for.
        await services.metadata.settle(definition.key)


async def _all(rows: Iterable[Row], take: Take, now: Now) -> int:
    taken = 0
    for part in _parts(rows):
        result = await take(part, now.at)
        if result.problems:
            raise Refused(result.problems)
        taken += result.accepted
    return taken


def _parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while part := list(islice(remaining, MOST_ROWS)):
        yield part


async def _make(services: Services, rows: Sequence[Row], now: Now) -> int:
    for row in rows:
        try:
            await services.segments.create(row, now)
        except Refused as refused:
            if [problem.code for problem in refused.problems] != [Code.TAKEN]:
                raise
    return len(rows)
