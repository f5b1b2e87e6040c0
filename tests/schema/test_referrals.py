"""Referral programs in the API, over real databases and a running engine."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.domain.ids import EntityKind
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.store.ids import to_object_id
from tests.api import running_api
from tests.engine.conftest import ShopWithEngine
from tests.engine.test_transitions import is_true_filter
from tests.loyalty_client import DELETE_PROGRAM, LoyaltyClient
from tests.referral_client import (
    ADD_CODES,
    CREATE_REFERRAL_PROGRAM,
    DELETE_POOL,
    DELETE_REFERRAL_PROGRAM,
    LIST_RECIPIENTS,
    LIST_REFERRAL_PROGRAMS,
    RECORD_REFERRAL,
    ReferralClient,
    points_reward,
    tier_input,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

NODE = "query($id: ID!) { node(id: $id) { __typename id } }"
USED_BY = "query($id: ID!) { segment(id: $id) { kind usedBy { kind id name node { id } } } }"
DELETE_SEGMENT = (
    "mutation($id: ID!) { segmentDelete(id: $id) { deletedId userErrors { code path message } } }"
)
TIMELINE = (
    "query($id: String!) { customer(ref: {sourceId: $id}) { timeline(first: 10) { nodes {"
    " __typename ... on LedgerEntry { points balance program { name } rule { id }"
    " transition { id } } } } } }"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(mongod: Mongod, valkey: Valkey) -> AsyncIterator[ShopWithEngine]:
    async with running_api(mongod, valkey) as api:
        shop = ShopWithEngine(api)
        shop.start_engine()
        yield shop
        await shop.stop_engine()


@pytest.fixture
def client(shop: ShopWithEngine) -> ReferralClient:
    return ReferralClient(shop.api)


async def create_loyalty_program(shop: ShopWithEngine, name: str = "Club") -> str:
    return await LoyaltyClient(shop.api).create_program(name)


async def upsert(shop: ShopWithEngine, *source_ids: str, **metadata: object) -> None:
    rows = [{"sourceId": source_id, "metadata": metadata} for source_id in source_ids]
    await shop.api.bulk_upsert("customersUpsert", rows)


async def test_a_program_uses_its_segment_its_pool_and_its_loyalty_program(
    shop: ShopWithEngine, client: ReferralClient
) -> None:
    segment = await shop.create_segment("used", is_true_filter("used"))
    loyalty_program = await create_loyalty_program(shop)
    pool = await client.create_pool("A", "B")
    program = await client.create_program(
        tier_input(" One ", 1, segment, points=points_reward(loyalty_program, 7)),
        tier_input("Two", 2, segment, codePoolId=pool),
        tier_input("Three", 3, points=points_reward(loyalty_program, 9)),
        name=" Friends ",
    )
    one, two, three = program["tiers"]
    code_pool = {
        "id": pool,
        "usedBy": [{"id": two["id"], "name": "Two", "node": {"__typename": "ReferralTier"}}],
    }
    assert program["name"] == "Friends"
    assert one == {
        "id": one["id"],
        "name": "One",
        "minReferrals": 1,
        "segment": {"id": segment, "kind": "ACTIVE"},
        "points": 7,
        "program": {"name": "Club"},
        "codePool": None,
    }
    assert two | {"points": None, "program": None, "codePool": code_pool} == two
    assert three["segment"] is None

    assert (await shop.api.fetch(USED_BY, id=segment)) == {
        "kind": "ACTIVE",
        "usedBy": [
            {"kind": "REFERRAL_TIER", "id": tier["id"], "name": name, "node": {"id": tier["id"]}}
            for tier, name in ((one, "One"), (two, "Two"))
        ],
    }
    assert await shop.api.list_errors(DELETE_SEGMENT, id=segment) == ["SEGMENT_IN_USE id"]
    assert await shop.api.list_errors(DELETE_POOL, id=pool) == ["INVALID id"]
    refused = await shop.api.fetch(DELETE_PROGRAM, id=loyalty_program)
    assert "the referral tiers 'One', 'Three'" in refused["userErrors"][0]["message"]
    assert program["id"] in [row["id"] for row in await shop.api.fetch(LIST_REFERRAL_PROGRAMS)]
    nodes = [await shop.api.fetch(NODE, id=id_) for id_ in (program["id"], one["id"])]
    assert [node["__typename"] for node in nodes] == ["ReferralProgram", "ReferralTier"]

    deleted = await shop.api.fetch(DELETE_REFERRAL_PROGRAM, id=program["id"])
    assert deleted["program"]["tiers"][0] == {"name": "One", "segment": {"id": segment}}
    for id_ in (program["id"], one["id"]):
        assert await shop.api.fetch(NODE, id=id_) is None
    assert await shop.api.list_errors(DELETE_REFERRAL_PROGRAM, id=program["id"]) == ["NOT_FOUND id"]
    assert program["id"] not in [row["id"] for row in await shop.api.fetch(LIST_REFERRAL_PROGRAMS)]
    assert await shop.api.list_errors(DELETE_SEGMENT, id=segment) == []
    assert await shop.api.list_errors(DELETE_POOL, id=pool) == []
    assert await shop.api.list_errors(DELETE_PROGRAM, id=loyalty_program) == []


async def test_a_referee_counts_once_whoever_referred_them_first(
    shop: ShopWithEngine, client: ReferralClient
) -> None:
    await upsert(shop, "ann", "ben", "cleo", "dan")
    loyalty_program = await create_loyalty_program(shop)
    program = await client.create_program(
        tier_input("Two", 2, points=points_reward(loyalty_program))
    )
    assert await client.record(program["id"], "ann", "cleo") == 1
    assert await client.record(program["id"], "ann", "cleo") == 1
    assert await client.record(program["id"], "ben", "cleo") == 0
    assert client.read_points("ann") == 0
    assert await client.record(program["id"], "ann", "dan") == 2
    assert await client.record(program["id"], "ann", "dan") == 2
    assert (client.read_points("ann"), client.read_points("ben")) == (10, 0)

    # Another program counts by itself.
    other = await client.create_program(tier_input("One", points=points_reward(loyalty_program)))
    assert await client.record(other["id"], "ben", "cleo") == 1
    assert client.read_points("ben") == 10

    (entry,) = (await shop.api.fetch(TIMELINE, id="ann"))["timeline"]["nodes"]
    assert entry == {
        "__typename": "LedgerEntry",
        "points": 10,
        "balance": 10,
        "program": {"name": "Club"},
        "rule": None,
        "transition": None,
    }


async def test_a_member_gets_the_reward_at_once_and_others_when_they_enter(
    shop: ShopWithEngine, client: ReferralClient
) -> None:
    await upsert(shop, "baseline", gold=True)
    await upsert(shop, "later", "never", "friend 1", "friend 2", "friend 3", "friend 4")
    segment = await shop.create_segment("gold", is_true_filter("gold"))
    loyalty_program = await create_loyalty_program(shop)
    tier = tier_input("Gold", 1, segment, points=points_reward(loyalty_program))
    program = await client.create_program(tier)
    (tier_row,) = program["tiers"]
    await shop.wait_until_processed()

    # A member of the baseline has no transition.
    await client.record(program["id"], "baseline", "friend 1")
    assert client.read_points("baseline") == 10
    await client.record(program["id"], "later", "friend 2")
    await client.record(program["id"], "never", "friend 3")
    await client.run_consumers()
    assert client.reward_state(tier_row["id"], "later") == "PENDING"

    for is_gold in (True, False, True):
        await upsert(shop, "later", gold=is_gold)
        await shop.wait_until_processed()
    await client.run_consumers()
    assert (client.read_points("later"), client.read_points("never")) == (10, 0)
    assert client.reward_state(tier_row["id"], "later") == "GIVEN"
    assert shop.api.database.referralRewards.count_documents({"checkAt": {"$exists": True}}) == 0

    # Who entered before, and left, was not a member when the count was reached.
    await upsert(shop, "left", gold=True)
    await shop.wait_until_processed()
    await upsert(shop, "left", gold=False)
    await shop.wait_until_processed()
    await client.record(program["id"], "left", "friend 4")
    await client.run_consumers()
    assert client.read_points("left") == 0


async def test_a_reward_waits_for_a_code(shop: ShopWithEngine, client: ReferralClient) -> None:
    names = [f"coder {number}" for number in range(4)]
    await upsert(shop, *names, *(f"{name}'s friend" for name in names))
    pool = await client.create_pool("ONE")
    program = await client.create_program(tier_input("Code", 1, codePoolId=pool))
    (tier,) = program["tiers"]
    for name in names:
        await client.record(program["id"], name, f"{name}'s friend")
    states = [client.reward_state(tier["id"], name) for name in names]
    assert states == ["GIVEN", *["WAITING_FOR_CODE"] * 3]
    await client.run_consumers()
    assert client.reward_state(tier["id"], names[1]) == "WAITING_FOR_CODE"

    await shop.delete_customer(names[2])
    added = await shop.api.fetch(ADD_CODES, id=pool, codes=["TWO"])
    assert added["codePool"] == {"availableCount": 1}
    await client.run_consumers()
    await shop.api.fetch(ADD_CODES, id=pool, codes=["THREE", "FOUR"])
    await client.run_consumers()
    rewards = [client.read_reward(tier["id"], names[number]) for number in (0, 1, 3)]
    assert [reward and reward["code"] for reward in rewards] == ["ONE", "TWO", "THREE"]
    (recipient,) = await shop.api.fetch(LIST_RECIPIENTS, code="TWO")
    assert (recipient["customer"], recipient["giver"]) == (
        {"sourceId": names[1]},
        {"id": tier["id"]},
    )


async def test_deleted_customers_get_nothing_and_still_count(
    shop: ShopWithEngine, client: ReferralClient
) -> None:
    await upsert(shop, "gone", "host", "guest 1", "guest 2", "guest 3")
    segment = await shop.create_segment("there", is_true_filter("there"))
    loyalty_program = await create_loyalty_program(shop)
    program = await client.create_program(
        tier_input("Two", 2, points=points_reward(loyalty_program)),
        tier_input("There", 1, segment, points=points_reward(loyalty_program)),
    )
    await client.record(program["id"], "gone", "guest 3")
    await client.record(program["id"], "host", "guest 1")
    await upsert(shop, "gone", there=True)
    await shop.wait_until_processed()
    await shop.delete_customer("gone")
    await shop.delete_customer("guest 1")
    await client.run_consumers()
    assert await client.record(program["id"], "host", "guest 2") == 2
    assert client.read_points("host") == 10


@pytest.mark.parametrize("referrer_count", [1, 20])
async def test_parallel_calls_count_each_referee_once(
    shop: ShopWithEngine, client: ReferralClient, referrer_count: int
) -> None:
    names = [f"p{referrer_count} {number}" for number in range(20)]
    referrers = [f"{name} host" for name in names[:referrer_count]]
    await upsert(shop, *names, *referrers)
    loyalty_program = await create_loyalty_program(shop)
    pool = await client.create_pool("X", "Y")
    program = await client.create_program(
        tier_input("One", 1, points=points_reward(loyalty_program)),
        tier_input("Twenty", 20, codePoolId=pool),
    )
    # The same referee of every referrer, then each referee twice.
    calls = [(referrers[number % referrer_count], names[0]) for number in range(20)]
    await asyncio.gather(*(client.record(program["id"], *call) for call in calls))
    referee = shop.api.read_customer_document(names[0])["_id"]
    assert shop.api.database.referrals.count_documents({"_id.referee": referee}) == 1
    rewarded = sum(client.read_points(name) for name in referrers)
    assert rewarded == 10
    calls = [(referrers[0], name) for name in names] * 2
    counts = await asyncio.gather(*(client.record(program["id"], *call) for call in calls))
    is_twentieth = referrer_count == 1
    assert max(counts) == 20 if is_twentieth else max(counts) >= 19
    assert client.read_points(referrers[0]) == 10
    codes = shop.api.database.codeClaims.find_one({"_id": to_object_id(EntityKind.CODE_POOL, pool)})
    assert codes is not None
    assert codes["claimedCount"] == int(max(counts) == 20)


async def test_invalid_input_changes_nothing(shop: ShopWithEngine, client: ReferralClient) -> None:
    await upsert(shop, "known", "other")
    loyalty_program = await create_loyalty_program(shop)
    segment = await shop.create_segment("refused", is_true_filter("refused"))
    program = await client.create_program(tier_input(points=points_reward(loyalty_program)))
    good = tier_input("Good", 1, segment, points=points_reward(loyalty_program))
    before = shop.api.database.referralPrograms.count_documents({})

    async def list_errors(*tiers: object, name: str = "Refused") -> list[str]:
        return await shop.api.list_errors(
            CREATE_REFERRAL_PROGRAM, input={"name": name, "tiers": list(tiers)}
        )

    assert await list_errors() == ["INVALID input tiers"]
    assert await list_errors(good, name=" ") == ["INVALID input name"]
    assert await list_errors(*[good] * 2) == ["TAKEN input tiers 1 name"]
    many = [{**good, "name": f"{number}"} for number in range(101)]
    assert await list_errors(*many) == ["TOO_MANY input tiers"]
    for number in (0, -1):
        wrong = {**good, "minReferrals": number}
        assert await list_errors(wrong) == ["INVALID input tiers 0 minReferrals"]
    wrong = tier_input(points=points_reward(loyalty_program, 0))
    assert await list_errors(wrong) == ["INVALID input tiers 0 reward points points"]
    wrong = tier_input("Bad", points=points_reward("loy_" + "0" * 24))
    path = "input tiers 1 reward points programId"
    assert await list_errors(good, wrong) == [f"NOT_FOUND {path}"]
    wrong = tier_input("Bad", codePoolId="nothing")
    assert await list_errors(good, wrong) == ["NOT_FOUND input tiers 1 reward codePoolId"]
    wrong = tier_input("Bad", 1, "seg_" + "0" * 24, points=points_reward(loyalty_program))
    assert await list_errors(good, wrong) == ["NOT_FOUND input tiers 1 segmentId"]
    static = await LoyaltyClient(shop.api).create_segment(
        "static", customers=[{"sourceId": "known"}]
    )
    wrong = tier_input("Bad", 1, static, points=points_reward(loyalty_program))
    assert await list_errors(good, wrong) == ["INVALID input tiers 1 segmentId"]
    assert await list_errors(tier_input("Bad")) == ["BAD_REQUEST"]
    assert shop.api.database.referralPrograms.count_documents({}) == before
    assert (await shop.api.fetch(USED_BY, id=segment)) == {"kind": "PASSIVE", "usedBy": []}

    known, unknown = {"sourceId": "known"}, {"sourceId": "unknown"}
    for referrer, referee, expected in (
        (known, known, ["INVALID referee"]),
        (unknown, known, ["NOT_FOUND referrer sourceId"]),
        (known, {"id": "cus_" + "0" * 24}, ["NOT_FOUND referee id"]),
        (unknown, unknown, ["NOT_FOUND referrer sourceId", "NOT_FOUND referee sourceId"]),
        (known, {"sourceId": "\0"}, ["INVALID referee sourceId"]),
        (known, {"sourceId": "other", "id": "x"}, ["BAD_REQUEST"]),
    ):
        variables = {"referrer": referrer, "referee": referee}
        errors = await shop.api.list_errors(RECORD_REFERRAL, program=program["id"], **variables)
        assert errors == expected
    errors = await shop.api.list_errors(
        RECORD_REFERRAL, program="rfp_" + "0" * 24, referrer=known, referee={"sourceId": "other"}
    )
    assert errors == ["NOT_FOUND programId"]
    assert (
        shop.api.database.referrals.count_documents(
            {"_id.program": to_object_id(EntityKind.REFERRAL_PROGRAM, program["id"])}
        )
        == 0
    )
