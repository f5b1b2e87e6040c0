"""What dates and windows of time mean, through the API in three time zones.

The expected answers come from instants and the clocks of the zones, not from the calendar of the
program.
"""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from app.filters.calendar import truncate_to_milliseconds
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import Api, Json, running_api
from tests.local_days import PLACES, comparisons, edges_of_days
from tests.schema.segment_queries import attribute_filter

pytestmark = pytest.mark.asyncio(loop_scope="module")

ZONES = ("UTC", "Europe/Warsaw", "America/Sao_Paulo", "Pacific/Apia")
DEFINE = """mutation { metadataDefinitionSet(input: { key: "seen", type: DATETIME }) {
    userErrors { message } } }"""
LIST = """query($filter: FilterInput!) {
    customers(filter: $filter, first: 100) { nodes { sourceId } } }"""
CREATE = """mutation($name: String!, $filter: FilterInput!) {
    segmentCreate(input: { name: $name, definition: { filter: $filter } }) {
      segment { id } userErrors { message } } }"""
MEMBERSHIPS = """query($source: String!, $ids: [ID!]) {
    segmentMembership(customer: { sourceId: $source }, segmentIds: $ids) {
      segment { id } isMember changesAt } }"""

# Windows are whole ticks long, and events lie half a tick beside one, so that no answer changes
# while the test runs.
TICK = timedelta(minutes=10)
WINDOWS_TICKS = ((3, 1), (6, 2), (10, 9), (30, 5), (100, 20))
COMPARISONS: tuple[tuple[str, Callable[[int, int], bool]], ...] = (
    ("IS", lambda count, value: count == value),
    ("IS_NOT", lambda count, value: count != value),
    ("GREATER_THAN_OR_EQUAL", lambda count, value: count >= value),
    ("LESS_THAN", lambda count, value: count < value),
)
MAX_EVENTS = 6
CUSTOMERS = 20


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=ZONES)
async def api(mongod: Mongod, valkey: Valkey, request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    async with running_api(mongod, valkey, time_zone=request.param) as api:
        assert not (await api.fetch(DEFINE))["userErrors"]
        await api.services.metadata.convert("seen")
        yield api


@pytest.fixture
def edges_by_place(api: Api) -> dict[str, dict[datetime, date]]:
    """By the name of a place in the zone, the first and last milliseconds of days with their
    days."""
    zone = api.services.calendar.time_zone.key
    return {
        f"{zone} {around}": edges_of_days(zone, around) for name, around in PLACES if name == zone
    }


async def list_source_ids(api: Api, filter_: Json) -> set[str]:
    return {node["sourceId"] for node in (await api.fetch(LIST, filter=filter_))["nodes"]}


async def test_a_bare_date_is_the_whole_local_day(
    api: Api, edges_by_place: dict[str, dict[datetime, date]]
) -> None:
    for place, edges in edges_by_place.items():
        rows, orders = [], []
        for instant in edges:
            id_ = f"{place} {instant.isoformat()}"
            rows.append({"sourceId": id_, "source": place, "metadata": {"seen": iso(instant)}})
            order = {"sourceId": id_, "customer": {"sourceId": id_}, "amount": 1, "status": "PAID"}
            orders.append({**order, "at": iso(instant)})
        assert (await api.bulk_upsert("customersUpsert", rows))["refused"] == []
        assert (await api.bulk_upsert("ordersUpsert", orders))["refused"] == []
        in_place = attribute_filter("source", "IS", place)
        for day in sorted({*edges.values()})[1:-1]:
            for operator, value, holds_on in comparisons(day):
                expected = {
                    f"{place} {instant.isoformat()}"
                    for instant, own_day in edges.items()
                    if holds_on(own_day)
                }
                for path in ("metadata.seen", "orders.lastOrderAt"):
                    condition = attribute_filter(path, operator, value)
                    found = await list_source_ids(api, {"all": [in_place, condition]})
                    assert found == expected, condition


async def test_a_date_alone_is_stored_as_the_first_instant_of_its_day(
    api: Api, edges_by_place: dict[str, dict[datetime, date]]
) -> None:
    for place, edges in edges_by_place.items():
        first_instants: dict[date, datetime] = {}
        for instant, day in sorted(edges.items())[1:]:
            first_instants.setdefault(day, instant)
        for day, instant in first_instants.items():
            await api.upsert(f"{place} alone", metadata={"seen": day.isoformat()})
            document = api.read_customer_document(f"{place} alone")
            assert document["metadata"]["seen"] == instant, day


def iso(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def test_windows_that_end_before_now(api: Api) -> None:
    """Members and `changesAt` of random windows of events, orders and items, against the instants
    of the rows."""
    random = Random(17)
    now = truncate_to_milliseconds(datetime.now(UTC))
    ats_by_customer = await add_activity(api, random, now)
    expected_memberships: dict[str, dict[str, Json]] = {id_: {} for id_ in ats_by_customer}
    for number in range(30):
        name = random.choice(("visit", "order", "order.item"))
        operator, compare = random.choice(COMPARISONS)
        value = random.randint(0, MAX_EVENTS // 2)
        from_ticks, to_ticks = random.choice(WINDOWS_TICKS)
        start_ago, end_ago = from_ticks * TICK, to_ticks * TICK
        window = {"from": f"PT{from_ticks * 10}M", "to": f"PT{to_ticks * 10}M"}
        event = {"name": name, "within": {"ago": window}, "operator": operator, "value": value}
        filter_ = {"event": event}
        created = await api.fetch(CREATE, name=f"window {number}", filter=filter_)
        assert not created["userErrors"], created
        segment_id = created["segment"]["id"]

        def is_member(ats: list[datetime], at: datetime) -> bool:
            count = sum(at - start_ago < event_at <= at - end_ago for event_at in ats)  # noqa: B023
            return compare(count, value)  # noqa: B023

        expected_members = set()
        for source_id, ats in ats_by_customer.items():
            expected = is_member(ats, now)
            instants = sorted(at + ago for at in ats for ago in (start_ago, end_ago))
            changes_at = next(
                (at for at in instants if at > now and is_member(ats, at) != expected), None
            )
            expected_memberships[source_id][segment_id] = {
                "segment": {"id": segment_id},
                "isMember": expected,
                "changesAt": changes_at and iso(changes_at),
            }
            if expected:
                expected_members.add(source_id)
        in_test = attribute_filter("source", "IS", "windows")
        assert await list_source_ids(api, {"all": [in_test, filter_]}) == expected_members
    for source_id, expected_by_segment in expected_memberships.items():
        found = await api.fetch(MEMBERSHIPS, source=source_id, ids=[*expected_by_segment])
        found_by_segment = {membership["segment"]["id"]: membership for membership in found}
        assert found_by_segment == expected_by_segment, ats_by_customer[source_id]


async def add_activity(api: Api, random: Random, now: datetime) -> dict[str, list[datetime]]:
    """Adds customers with an event and an order with one item at each of some instants, which it
    returns by sourceId."""
    ats_by_customer: dict[str, list[datetime]] = {}
    for number in range(CUSTOMERS):
        customer: Json = {"sourceId": f"window {number}"}
        await api.upsert(customer["sourceId"], source="windows")
        ats = [
            now - random.randint(0, 110) * TICK - TICK / 2
            for _ in range(random.randint(0, MAX_EVENTS))
        ]
        ats_by_customer[customer["sourceId"]] = ats
        events = [{"name": "visit", "customer": customer, "at": iso(at)} for at in ats]
        orders: list[Any] = [
            {
                "sourceId": f"window {number} {index}",
                "customer": customer,
                "status": "PAID",
                "amount": 1,
                "at": iso(at),
                "items": [{"sku": "a", "amount": 1}],
            }
            for index, at in enumerate(ats)
        ]
        for mutation, rows in (("eventsTrack", events), ("ordersUpsert", orders)):
            assert (await api.bulk_upsert(mutation, rows))["refused"] == []
    return ats_by_customer
