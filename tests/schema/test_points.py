"""Adjustments of points, and rules that are disabled for a while."""

import asyncio
from random import Random
from uuid import uuid4

import pytest
import pytest_asyncio
from bson import ObjectId

from app.filters.values import MAX_INT64
from tests.api import Api, Json
from tests.loyalty_client import (
    ADJUST_POINTS,
    DELETE_PROGRAM,
    DELETE_RULE,
    SET_ENABLED,
    LoyaltyClient,
    adjustment_input,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

_TIMELINE = "timeline { nodes { __typename ... on LedgerEntry { id reason rule { id } points } } }"
NODE = "query($id: ID!) { node(id: $id) { ... on LedgerEntry { id reason points balance } } }"
DELETE_CUSTOMER = (
    "mutation($id: String!) { customerDelete(customer: {sourceId: $id}) { deletedId } }"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def club(api: Api) -> LoyaltyClient:
    return LoyaltyClient(api)


@pytest_asyncio.fixture(loop_scope="module")
async def customer(api: Api) -> str:
    """The sourceId of a customer that no other test uses."""
    source_id = uuid4().hex
    await api.upsert(source_id)
    return source_id


async def list_errors(api: Api, *arguments: object, **fields: object) -> list[str]:
    sent = adjustment_input(*arguments, **fields)  # type: ignore[arg-type]
    return await api.list_errors(ADJUST_POINTS, input=sent)


async def test_an_adjustment_has_an_entry_of_its_own(
    api: Api, club: LoyaltyClient, customer: str
) -> None:
    first, second = [await club.create_program(name) for name in ("first", "second")]
    given = await club.adjust_points(customer, first, 30, " Late delivery ")
    assert given == {
        "id": given["id"],
        "points": 30,
        "balance": 30,
        "at": given["at"],
        "reason": "Late delivery",
        "program": {"id": first},
        "rule": None,
        "transition": None,
    }
    taken = await club.adjust_points(customer, first, -12)
    other = await club.adjust_points(customer, second, 5)
    assert (taken["balance"], other["balance"]) == (18, 5)
    assert await club.fetch_points(customer) == 23
    assert [entry["id"] for entry in await club.fetch_ledger(customer)] == [
        entry["id"] for entry in (other, taken, given)
    ]
    assert (await club.adjust_points(customer, first, -18))["balance"] == 0
    assert await club.fetch_points(customer) == 5

    timeline = (await api.fetch_customer(customer, _TIMELINE))["timeline"]["nodes"]
    assert timeline[-1] == {
        "__typename": "LedgerEntry",
        "id": given["id"],
        "reason": "Late delivery",
        "rule": None,
        "points": 30,
    }
    assert await api.fetch(NODE, id=taken["id"]) == {
        "id": taken["id"],
        "reason": "refund",
        "points": -12,
        "balance": 18,
    }


async def test_no_more_points_are_taken_than_there_are(
    api: Api, club: LoyaltyClient, customer: str
) -> None:
    program, other = [await club.create_program(name) for name in ("little", "much")]
    await club.adjust_points(customer, program, 10)
    await club.adjust_points(customer, other, 1_000)
    before = api.dump()
    for points in (-11, -(2**31)):
        assert await list_errors(api, customer, program, points) == ["INVALID input points"]
    assert api.dump() == before
    payload = await api.fetch(ADJUST_POINTS, input=adjustment_input(customer, program, -11))
    assert "The balance is 10" in payload["userErrors"][0]["message"]


async def test_there_is_a_largest_number_of_points(
    api: Api, club: LoyaltyClient, customer: str
) -> None:
    program = await club.create_program("full")
    await club.adjust_points(customer, program, 1)
    key = ObjectId(str(api.read_customer_document(customer)["_id"]))
    api.database.loyaltyAccounts.update_one(
        {"_id": key}, {"$set": {"balances.0.balance": MAX_INT64 - 5}}
    )
    assert await list_errors(api, customer, program, 6) == ["INVALID input points"]
    assert (await club.adjust_points(customer, program, 5))["balance"] == MAX_INT64


async def test_the_same_key_changes_nothing(api: Api, club: LoyaltyClient, customer: str) -> None:
    program, other_program = [await club.create_program(name) for name in ("once", "twice")]
    key = {"idempotencyKey": uuid4().hex}
    entry = await club.adjust_points(customer, program, 7, "gift", **key)
    await club.adjust_points(customer, program, -7)
    before = api.dump()
    assert await club.adjust_points(customer, program, 7, " gift ", **key) == entry
    other = uuid4().hex
    await api.upsert(other)
    refused = ["INVALID input idempotencyKey"]
    assert await list_errors(api, customer, program, 8, "gift", **key) == refused
    assert await list_errors(api, customer, program, 7, "gifts", **key) == refused
    assert await list_errors(api, customer, other_program, 7, "gift", **key) == refused
    assert await list_errors(api, other, program, 7, "gift", **key) == refused
    assert api.dump()["ledger"] == before["ledger"]
    await api.fetch(DELETE_PROGRAM, id=program)
    assert await club.adjust_points(customer, program, 7, "gift", **key) == entry


async def test_the_key_of_a_deleted_customer_is_free(
    api: Api, club: LoyaltyClient, customer: str
) -> None:
    program, key = await club.create_program("freed"), {"idempotencyKey": uuid4().hex}
    entry = await club.adjust_points(customer, program, 7, **key)
    await api.fetch(DELETE_CUSTOMER, id=customer)
    assert await list_errors(api, customer, program, 7, **key) == ["NOT_FOUND input customer"]
    await api.upsert(customer)
    again = await club.adjust_points(customer, program, 9, **key)
    assert again["id"] != entry["id"]
    assert (await club.fetch_points(customer), again["balance"]) == (9, 9)


async def test_calls_with_one_key_at_once_make_one_entry(
    api: Api, club: LoyaltyClient, customer: str
) -> None:
    program, key = await club.create_program("at once"), {"idempotencyKey": uuid4().hex}
    others = [uuid4().hex for _ in range(4)]
    for other in others:
        await api.upsert(other)
    entries = await asyncio.gather(
        *(club.adjust_points(customer, program, 3, **key) for _ in range(8))
    )
    assert entries == [entries[0]] * 8
    assert await club.fetch_points(customer) == 3
    new_key = {"idempotencyKey": uuid4().hex}
    answers = await asyncio.gather(
        *(list_errors(api, other, program, 3, **new_key) for other in others)
    )
    assert sorted(answers) == [[], *[["INVALID input idempotencyKey"]] * 3]
    assert sum([await club.fetch_points(other) for other in others]) == 3


async def test_balances_agree_with_the_ledger_while_adjustments_and_awards_come_at_once(
    api: Api, club: LoyaltyClient, customer: str
) -> None:
    programs = [await club.create_program(f"{name} {customer}") for name in "ab"]
    segment = await club.create_segment(customer)
    for program in programs:
        await club.create_rule(program, segment, 10)
    random, refused = Random(5), 0

    async def adjust() -> None:
        nonlocal refused
        for _ in range(12):
            points = random.choice([-15, -4, 6])
            errors = await list_errors(api, customer, random.choice(programs), points)
            assert errors in ([], ["INVALID input points"])
            refused += bool(errors)

    async def award() -> None:
        for _ in range(12):
            await club.append_entered(segment, customer)
            await club.run_consumers()

    await asyncio.gather(adjust(), adjust(), adjust(), award(), api.upsert(customer, name="x"))
    await club.run_consumers()
    ledger = (await club.fetch_ledger(customer))[::-1]
    assert len(ledger) == 24 + 36 - refused
    assert refused
    balances = dict.fromkeys(programs, 0)
    for entry in ledger:
        balances[entry["program"]["id"]] += entry["points"]
        assert entry["balance"] == balances[entry["program"]["id"]] >= 0
    assert await club.fetch_points(customer) == sum(balances.values())


async def test_a_disabled_rule_gives_nothing(api: Api, club: LoyaltyClient, customer: str) -> None:
    """What happened meanwhile is not made up for, however late the consumer is."""
    program, segment = await club.create_program("pausing"), await club.create_segment(customer)
    rule = await club.create_rule(program, segment, 1)
    expected, interval_counts = 0, []
    for round_number in range(6):
        await club.append_entered(segment, customer)
        expected += 1
        assert await set_enabled(api, rule, False) is False
        assert await set_enabled(api, rule, False) is False
        await club.append_entered(segment, customer)
        if round_number % 3 == 2:
            await club.run_consumers()
        assert await set_enabled(api, rule, True) is True
        assert await set_enabled(api, rule, True) is True
        interval_counts.append(count_disabled_intervals(api, rule))
    await club.run_consumers()
    assert await club.fetch_points(customer) == expected
    # Those that the consumer has passed are dropped.
    assert interval_counts == [1, 2, 0, 1, 2, 0]

    # Nothing happens while it is disabled, so no interval is left.
    await set_enabled(api, rule, False)
    assert await api.list_errors(
        "mutation($id: ID!) { segmentDelete(id: $id) { userErrors { code path } } }", id=segment
    ) == ["SEGMENT_IN_USE id"]
    await set_enabled(api, rule, True)
    assert count_disabled_intervals(api, rule) == 0

    await set_enabled(api, rule, False)
    deleted = await api.fetch(DELETE_RULE, id=rule)
    assert deleted["earningRule"]["enabled"] is False
    assert await api.list_errors(SET_ENABLED, id=rule, enabled=True) == ["NOT_FOUND id"]


async def test_an_interval_stays_while_its_transition_is_in_quarantine(
    api: Api, club: LoyaltyClient, customer: str
) -> None:
    program, segment = await club.create_program("quarantine"), await club.create_segment(customer)
    rule = await club.create_rule(program, segment, 1)
    await set_enabled(api, rule, False)
    await club.append_entered(segment, customer)
    await set_enabled(api, rule, True)
    await club.run_consumers()
    sequence = await api.services.store.transitions.last_sequence()
    quarantined = {"_id": f"loyalty {sequence}", "consumer": "loyalty"}
    transition = {"_id": ObjectId(f"{sequence:024x}")}
    api.database.quarantine.insert_one({**quarantined, "transition": transition})
    await set_enabled(api, rule, False)
    assert count_disabled_intervals(api, rule) == 2

    api.database.quarantine.delete_one({"_id": quarantined["_id"]})
    await set_enabled(api, rule, True)
    assert count_disabled_intervals(api, rule) == 0


def count_disabled_intervals(api: Api, rule: str) -> int:
    row = api.database.earningRules.find_one({"_id": ObjectId(rule[4:])})
    assert row is not None
    return len(row["disabledIntervals"])


async def set_enabled(api: Api, rule: str, enabled: bool) -> bool:
    payload: Json = await api.fetch(SET_ENABLED, id=rule, enabled=enabled)
    assert not payload["userErrors"], payload
    return bool(payload["earningRule"]["enabled"])
