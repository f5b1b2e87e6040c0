"""The points ledger: entries, balances and limits."""

from datetime import timedelta

import pytest

from tests.api import Api
from tests.loyalty_client import (
    DELETE_PROGRAM,
    NODE,
    NOW,
    LoyaltyClient,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_ledger_shows_where_points_come_from(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    await api.upsert("earner", metadata={"spent": 25})
    segment = await loyalty_client.create_segment("earns")
    one, other = (
        await loyalty_client.create_program("one"),
        await loyalty_client.create_program("other"),
    )
    await loyalty_client.append_entered(segment, "earner")
    fixed = await loyalty_client.create_rule(one, segment, 10, name="fixed")
    await loyalty_client.create_rule(other, segment, ("metadata.spent", 10, 3), name="by the tens")
    version = api.read_customer_document("earner")["version"]
    await loyalty_client.append_entered(segment, "earner")
    await loyalty_client.run_consumers()
    await loyalty_client.append_entered(segment, "earner")
    await loyalty_client.run_consumers()

    entries = await loyalty_client.fetch_ledger("earner")
    assert [(e["program"]["name"], e["points"], e["balance"]) for e in entries] == [
        ("other", 6, 12),
        ("one", 10, 20),
        ("other", 6, 6),
        ("one", 10, 10),
    ]
    assert entries[0]["transition"]["sequence"] == entries[2]["transition"]["sequence"] + 1
    assert await loyalty_client.fetch_points("earner") == 32
    stored = api.read_customer_document("earner")
    assert stored["loyalty"] == {"points": 32}
    assert stored["version"] == version + 2
    assert (await api.fetch(NODE, id=entries[0]["id"]))["__typename"] == "LedgerEntry"

    # Customers keep their points when a rule and its program are deleted.
    await loyalty_client.delete_rule(fixed)
    assert (await api.fetch(DELETE_PROGRAM, id=one))["program"]["id"] == one
    entries = await loyalty_client.fetch_ledger("earner")
    assert [(e["program"]["name"], e["rule"] and e["rule"]["name"]) for e in entries] == [
        ("other", "by the tens"),
        ("one", None),
    ] * 2
    assert await loyalty_client.fetch_points("earner") == 32


async def test_pages_of_the_ledger_stay_good_while_entries_come(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    await api.upsert("paged")
    segment = await loyalty_client.create_segment("paged")
    program = await loyalty_client.create_program("paged")
    for points in range(1, 4):
        await loyalty_client.create_rule(program, segment, points)
    await loyalty_client.append_entered(segment, "paged", "paged")
    await loyalty_client.run_consumers()
    whole = [entry["points"] for entry in await loyalty_client.fetch_ledger("paged")]
    assert whole == [3, 2, 1, 3, 2, 1]

    query = (
        "loyalty { ledger(first: 2%s) { edges { cursor } nodes { points }"
        " pageInfo { hasNextPage endCursor } } }"
    )
    found, after, more = [], "", True
    while more:
        page = (await api.fetch_customer("paged", query % after))["loyalty"]["ledger"]
        found += [entry["points"] for entry in page["nodes"]]
        await loyalty_client.append_entered(segment, "paged")
        await loyalty_client.run_consumers()
        more = page["pageInfo"]["hasNextPage"]
        after = f', after: "{page["pageInfo"]["endCursor"]}"'
    assert found == whole


async def test_a_deleted_customer_leaves_no_entries(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    await api.upsert("leaver")
    segment = await loyalty_client.create_segment("leaver")
    await loyalty_client.create_rule(await loyalty_client.create_program("leaver"), segment)
    await loyalty_client.append_entered(segment, "leaver")
    await loyalty_client.run_consumers()
    (entry,) = await loyalty_client.fetch_ledger("leaver")
    crossing = loyalty_client.pending_transition(segment, "leaver", "ENTERED")
    await api.fetch('mutation { customerDelete(customer: {sourceId: "leaver"}) { deletedId } }')
    assert await api.fetch(NODE, id=entry["id"]) is None
    ledger = api.database.ledger.count_documents({})

    # Of one who is gone already there is nothing to say.
    await loyalty_client.append_transitions([crossing])
    await loyalty_client.run_consumers()
    await api.upsert("leaver")
    assert await loyalty_client.fetch_loyalty("leaver") == {"points": 0, "ledger": {"nodes": []}}
    assert api.database.ledger.count_documents({}) == ledger


async def test_the_first_date_is_in_and_the_last_is_out(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    await api.upsert("dated")
    segment = await loyalty_client.create_segment("dated")
    until = NOW + timedelta(hours=1)
    dates = {"activeFrom": NOW.isoformat(), "activeUntil": until.isoformat()}
    await loyalty_client.create_rule(
        await loyalty_client.create_program("dated"), segment, 1, **dates
    )
    millisecond = timedelta(milliseconds=1)
    for at in (NOW - millisecond, NOW, until - millisecond, until):
        await loyalty_client.append_entered(segment, "dated", at=at)
    await loyalty_client.run_consumers()
    assert await loyalty_client.fetch_points("dated") == 2


@pytest.mark.parametrize(
    ("spent", "points"),
    [
        (3.3, 9),
        (3.29, 6),
        (1.1, 3),
        (1.0, 0),
        (0, 0),
        (-5, 0),
        (None, 0),
        ("33", 0),
        (True, 0),
        ([33], 0),
        (2**63 - 1, 2**63 - 1),
        (1e308, 2**63 - 1),
    ],
)
async def test_proportional_points(
    api: Api, loyalty_client: LoyaltyClient, spent: object, points: int
) -> None:
    who = f"spent {spent}"
    await api.upsert(who, metadata={"cart": {"spent": spent}})
    segment = await loyalty_client.create_segment(who)
    await loyalty_client.create_rule(
        await loyalty_client.create_program(who), segment, ("metadata.cart.spent", 1.1, 3)
    )
    await loyalty_client.append_entered(segment, who)
    await loyalty_client.run_consumers()
    assert await loyalty_client.fetch_points(who) == points
    assert len(await loyalty_client.fetch_ledger(who)) == (points > 0)


async def test_what_others_wrote_of_the_points_is_put_right(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    await api.upsert("written")
    segment = await loyalty_client.create_segment("written")
    await loyalty_client.create_rule(await loyalty_client.create_program("written"), segment, 10)
    api.database.customers.update_one({"sourceId": "written"}, {"$set": {"loyalty.points": 10}})
    for expected in (10, 20):
        version = api.read_customer_document("written")["version"]
        await loyalty_client.append_entered(segment, "written")
        await loyalty_client.run_consumers()
        assert await loyalty_client.fetch_points("written") == expected
        assert api.read_customer_document("written")["version"] == version + 1


async def test_nobody_has_more_than_64_bits(api: Api, loyalty_client: LoyaltyClient) -> None:
    await api.upsert("rich", metadata={"spent": 2**62})
    segment = await loyalty_client.create_segment("rich")
    one, other = (
        await loyalty_client.create_program("rich"),
        await loyalty_client.create_program("richer"),
    )
    await loyalty_client.create_rule(one, segment, ("metadata.spent", 1, 1))
    await loyalty_client.create_rule(other, segment, ("metadata.spent", 1, 1))
    await loyalty_client.create_rule(other, segment, 5)
    await loyalty_client.append_entered(segment, "rich", "rich")
    await loyalty_client.run_consumers()
    assert [(e["points"], e["balance"]) for e in await loyalty_client.fetch_ledger("rich")] == [
        (2**62 - 1, 2**62 - 1),
        (2**62, 2**62),
    ]
    assert await loyalty_client.fetch_points("rich") == 2**63 - 1
