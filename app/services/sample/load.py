"""Loads the sample shop through the services, as a client of the API would."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from app.domain.inputs import CustomerRef
from app.errors import InputError, SetupError, UserErrorCode
from app.filters import Now
from app.services.bulk_rows import MAX_BULK_ROWS, BulkResult
from app.services.sample.campaign import CODE_POOL, validation_rule
from app.services.sample.definitions import DEFINITIONS
from app.services.sample.referrals import create_referral_program
from app.services.sample.segments import (
    DISTRIBUTION_NAME,
    DISTRIBUTION_SEGMENT,
    RECEIVER_URL,
    SEGMENTS,
    find_segment,
)
from app.services.sample.shop import Row, Shop, source_id
from app.services.services import Services
from app.settings import Settings
from app.store import Store

BulkWrite = Callable[[Sequence[Row], datetime], Awaitable[BulkResult]]


async def load_into(settings: Settings) -> str:
    """Loads the sample like `load`, with a store that it opens and closes itself."""
    store = await Store.open(settings)
    try:
        services = Services(store, settings)
        return await load(services, with_distribution=settings.webhook_allow_private)
    finally:
        await store.close()


async def load(services: Services, *, with_distribution: bool = False) -> str:
    """Loads the sample and returns a sentence about it. Loading again changes nothing.

    Raises SetupError if the database has customers, but not those of the sample.

    The distribution sends webhooks to this machine, to `segments receive`.
    """
    now = services.now()
    shop = Shop(await _first_loaded_at(services, now))
    await _create_definitions(services)
    customers = await _write_all(shop.customers(), services.customers.upsert_many, now)
    orders = await _write_all(shop.orders(), services.orders.upsert, now)
    events = await _write_all(shop.events(), services.events.track, now)
    segment_count = await _create_segments(services, SEGMENTS, now)
    await _create_campaign(services, now)
    if with_distribution:
        await _create_distribution(services, now)
    await create_referral_program(services, now)
    return (
        f"The sample shop is loaded: {customers:,} customers, {orders:,} orders,"
        f" {events:,} events, {segment_count} segments, a validation rule, a code pool"
        f"{', a distribution' * with_distribution} and a referral program"
    )


async def _first_loaded_at(services: Services, now: Now) -> datetime:
    """Returns the instant of the first load, so that later loads produce the same rows."""
    customer = await services.customers.get(CustomerRef.by_source_id(source_id(1)))
    if customer is not None:
        first_loaded_at: datetime = customer.document["createdAt"]
        return first_loaded_at
    if await services.store.customers.any():
        raise SetupError(
            "this shop already has customers, so the sample is not loaded into it; choose an empty"
            " folder with --data, or another database with SEGMENTS_DATABASE"
        )
    return now.at


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


async def _create_campaign(services: Services, now: Now) -> None:
    """Creates the code pool and the validation rule, unless they exist by their names."""
    if CODE_POOL["name"] not in {pool.name for pool in await services.code_pools.all()}:
        await services.code_pools.create(CODE_POOL, now.at)
    segment = await find_segment(services, SEGMENTS[0]["name"])
    rule = validation_rule(segment.id)
    if rule["name"] not in {existing.name for existing in await services.validation_rules.all()}:
        await services.validation_rules.create(rule, now.at)


async def _create_distribution(services: Services, now: Now) -> None:
    names = {item.distribution.name for item in await services.distributions.all()}
    if DISTRIBUTION_NAME not in names:
        segment = await find_segment(services, DISTRIBUTION_SEGMENT)
        channel = {"webhook": {"url": RECEIVER_URL}}
        distribution_input = {
            "name": DISTRIBUTION_NAME,
            "segmentId": segment.id,
            "channel": channel,
        }
        await services.distributions.create(distribution_input, now.at)


async def _create_segments(services: Services, rows: Sequence[Row], now: Now) -> int:
    for segment_input in rows:
        try:
            await services.segments.create(segment_input, now)
        except InputError as error:
            if [problem.code for problem in error.problems] != [UserErrorCode.TAKEN]:
                raise
    return len(rows)
