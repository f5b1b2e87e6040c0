"""Loads the sample shop through the services, as a client of the API would."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from app.domain.inputs import CustomerRef
from app.errors import InputError, UserErrorCode
from app.filters import Now
from app.services.bulk_rows import MAX_BULK_ROWS, BulkResult
from app.services.sample.definitions import DEFINITIONS
from app.services.sample.referrals import create_referral_program
from app.services.sample.segments import SEGMENTS
from app.services.sample.shop import Row, Shop, source_id
from app.services.services import Services
from app.settings import Settings
from app.store import Store

BulkWrite = Callable[[Sequence[Row], datetime], Awaitable[BulkResult]]


async def load_into(settings: Settings) -> str:
    """Loads the sample like `load`, with a store that it opens and closes itself."""
    store = await Store.open(settings)
    try:
        return await load(Services(store, settings))
    finally:
        await store.close()


async def load(services: Services) -> str:
    """Loads the sample and returns a sentence about it. Loading again changes nothing."""
    now = services.now()
    shop = Shop(await _first_loaded_at(services, now))
    await _create_definitions(services)
    customers = await _write_all(shop.customers(), services.customers.upsert_many, now)
    orders = await _write_all(shop.orders(), services.orders.upsert, now)
    events = await _write_all(shop.events(), services.events.track, now)
    segment_count = await _create_segments(services, SEGMENTS, now)
    await create_referral_program(services, now)
    return (
        f"The sample shop is loaded: {customers:,} customers, {orders:,} orders,"
        f" {events:,} events, {segment_count} segments"
    )


async def _first_loaded_at(services: Services, now: Now) -> datetime:
    """Returns the instant of the first load, so that later loads produce the same rows."""
    customer = await services.customers.get(CustomerRef.by_source_id(source_id(1)))
    return now.at if customer is None else customer.document["createdAt"]


async def _create_definitions(services: Services) -> None:
    for definition_input in DEFINITIONS:
        definition = await services.metadata.define(definition_input)
        # There are no values to convert yet, so no worker is needed.
        await services.metadata.convert(definition.key)


async def _write_all(rows: Iterable[Row], write: BulkWrite, now: Now) -> int:
    accepted_count = 0
    for batch in _batches(rows):
        result = await write(batch, now.at)
        if result.problems:
            raise InputError(result.problems)
        accepted_count += result.accepted
    return accepted_count


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, MAX_BULK_ROWS)):
        yield batch


async def _create_segments(services: Services, rows: Sequence[Row], now: Now) -> int:
    for segment_input in rows:
        try:
            await services.segments.create(segment_input, now)
        except InputError as error:
            if [problem.code for problem in error.problems] != [UserErrorCode.TAKEN]:
                raise
    return len(rows)
