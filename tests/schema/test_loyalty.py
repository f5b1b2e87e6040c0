"""Loyalty programs, their earning rules, and the ledger."""

import asyncio
from datetime import timedelta

import pytest
import pytest_asyncio

from tests.api import Api, Json
from tests.loyalty_client import (
    CREATE_PROGRAM,
    CREATE_RULE,
    DELETE_PROGRAM,
    DELETE_RULE,
    NOW,
    LoyaltyClient,
    earning_rule_input,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROGRAMS = "{ loyaltyPrograms { id name earningRules { id name segment { id } } } }"
NODE = "query($id: ID!) { node(id: $id) { __typename id } }"
USED_BY_QUERY = (
    "query($id: ID!) { segment(id: $id) { kind editable activatedAt usedBy { kind id name } } }"
)
DELETE = (
    "mutation($id: ID!) { segmentDelete(id: $id) { deletedId userErrors { code path message } } }"
)
UPDATE = (
    "mutation($id: ID!, $input: SegmentUpdateInput!) { segmentUpdate(id: $id, input: $input)"
    " { segment { name } userErrors { code path message } } }"
)
DEFINE = (
    "mutation($input: MetadataDefinitionInput!) { metadataDefinitionSet(input: $input)"
    " { definition { state } userErrors { code path message } } }"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def loyalty_client(api: Api) -> LoyaltyClient:
    return LoyaltyClient(api)


async def test_a_program_and_its_rules_are_there_until_they_are_deleted(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    program = await loyalty_client.create_program("  Bonus club ")
    segment = await loyalty_client.create_segment("kept")
    first = await loyalty_client.create_rule(program, segment, name=" First ")
    second = await loyalty_client.create_rule(program, segment, name="Second")

    assert [p for p in await api.fetch(PROGRAMS) if p["id"] == program] == [
        {
            "id": program,
            "name": "Bonus club",
            "earningRules": [
                {"id": first, "name": "First", "segment": {"id": segment}},
                {"id": second, "name": "Second", "segment": {"id": segment}},
            ],
        }
    ]
    assert await api.list_errors(DELETE_PROGRAM, id=program) == ["INVALID id"]
    refused = await api.fetch(DELETE_PROGRAM, id=program)
    assert "'First', 'Second'" in refused["userErrors"][0]["message"]

    for id_ in (first, second):
        assert (await api.fetch(NODE, id=id_))["__typename"] == "EarningRule"
        ended = await api.fetch(DELETE_RULE, id=id_)
        assert ended["earningRule"] == {
            "id": id_,
            "enabled": False,
            "program": {"name": "Bonus club"},
            "segment": {"name": "kept"},
        }
        assert await api.fetch(NODE, id=id_) is None
        assert await api.list_errors(DELETE_RULE, id=id_) == ["NOT_FOUND id"]
    assert (await api.fetch(NODE, id=program))["__typename"] == "LoyaltyProgram"
    assert (await api.fetch(DELETE_PROGRAM, id=program))["program"]["name"] == "Bonus club"
    assert await api.fetch(NODE, id=program) is None
    assert await api.list_errors(DELETE_PROGRAM, id=program) == ["NOT_FOUND id"]
    assert await api.list_errors(CREATE_RULE, input=earning_rule_input(program, segment)) == [
        "NOT_FOUND input programId"
    ]


async def test_a_rule_says_what_was_sent(api: Api, loyalty_client: LoyaltyClient) -> None:
    program, segment = (
        await loyalty_client.create_program("said"),
        await loyalty_client.create_segment("said"),
    )
    dates = {"activeFrom": "2020-01-01T00:00:00Z", "activeUntil": "2020-02-01T01:00:00+01:00"}
    sent = earning_rule_input(
        program, segment, ("metadata.spent", 2.5, 3), maxPerCustomer=2, **dates
    )
    made = (await api.fetch(CREATE_RULE, input=sent))["earningRule"]
    assert made == {
        "id": made["id"],
        "name": f"rule on {segment}",
        "enabled": False,
        "activeFrom": "2020-01-01T00:00:00Z",
        "activeUntil": "2020-02-01T00:00:00Z",
        "maxPerCustomer": 2,
        "program": {"name": "said"},
        "segment": {"name": "said", "kind": "ACTIVE"},
        "points": {
            "fixed": None,
            "proportional": {"path": "metadata.spent", "every": 2.5, "points": 3},
        },
    }
    nothing = {"activeFrom": None, "activeUntil": None, "maxPerCustomer": None}
    always = (
        await api.fetch(CREATE_RULE, input=earning_rule_input(program, segment, 7, **nothing))
    )["earningRule"]
    assert (always["enabled"], always["points"]["fixed"]) == (True, 7)


async def test_a_rule_makes_its_segment_active_once_and_for_good(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    program, segment = (
        await loyalty_client.create_program("uses"),
        await loyalty_client.create_segment("used"),
    )
    assert (await api.fetch(USED_BY_QUERY, id=segment))["kind"] == "PASSIVE"

    id_ = await loyalty_client.create_rule(program, segment, name="user")
    used = await api.fetch(USED_BY_QUERY, id=segment)
    assert used["usedBy"] == [{"kind": "EARNING_RULE", "id": id_, "name": "user"}]
    assert (used["kind"], used["editable"]) == ("ACTIVE", False)
    changed = {"filter": {"attribute": {"path": "email", "operator": "HAS_VALUE"}}}
    edit = await api.list_errors(UPDATE, id=segment, input=changed)
    assert edit == ["SEGMENT_NOT_EDITABLE input filter"]
    refused = (await api.fetch(DELETE, id=segment))["userErrors"][0]
    assert (refused["code"], refused["path"]) == ("SEGMENT_IN_USE", ["id"])
    assert "the earning rule 'user'" in refused["message"]

    await loyalty_client.create_rule(program, segment, name="another")
    await loyalty_client.delete_rule(id_)
    again = await api.fetch(USED_BY_QUERY, id=segment)
    assert again["activatedAt"] == used["activatedAt"]
    assert [use["name"] for use in again["usedBy"]] == ["another"]
    await loyalty_client.delete_rule(again["usedBy"][0]["id"])
    assert (await api.fetch(USED_BY_QUERY, id=segment))["kind"] == "ACTIVE"
    assert (await api.fetch(DELETE, id=segment))["deletedId"] == segment


async def test_two_that_need_one_another_pass_one_after_the_other(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    for turn in range(5):
        program, segment = (
            await loyalty_client.create_program("race"),
            await loyalty_client.create_segment(f"race {turn}"),
        )
        made, deleted = await asyncio.gather(
            api.fetch(CREATE_RULE, input=earning_rule_input(program, segment)),
            api.fetch(DELETE_PROGRAM, id=program),
        )
        assert bool(made["userErrors"]) != bool(deleted["userErrors"])
        made, deleted = await asyncio.gather(
            api.fetch(
                CREATE_RULE,
                input=earning_rule_input(await loyalty_client.create_program("race"), segment),
            ),
            api.fetch(DELETE, id=segment),
        )
        assert bool(made["userErrors"]) != bool(deleted["userErrors"])


async def test_what_a_rule_names_may_go_as_soon_as_the_rule(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    program = await loyalty_client.create_program("going")
    for turn in range(5):
        segment = await loyalty_client.create_segment(f"going {turn}")
        rule_ = await loyalty_client.create_rule(program, segment)
        ended, *others = await asyncio.gather(
            api.fetch(DELETE_RULE, id=rule_),
            *(api.execute(DELETE, id=segment) for _ in range(3)),
            *(api.fetch(PROGRAMS) for _ in range(3)),
        )
        assert ended["earningRule"]["segment"] == {"name": f"going {turn}"}
        assert "errors" not in str(others)


async def test_there_are_at_most_a_thousand_programs(api: Api) -> None:
    rows = [{"name": "many", "createdAt": NOW} for _ in range(1_000)]
    made = api.database.loyaltyPrograms.insert_many(rows).inserted_ids
    try:
        assert await api.list_errors(CREATE_PROGRAM, input={"name": "more"}) == ["TOO_MANY input"]
    finally:
        api.database.loyaltyPrograms.delete_many({"_id": {"$in": made}})


async def test_a_key_that_a_rule_counts_by_stays_a_number(
    api: Api, loyalty_client: LoyaltyClient
) -> None:
    segment = await loyalty_client.create_segment("counted by")
    program = await loyalty_client.create_program("counted by")
    await loyalty_client.create_rule(
        program, segment, ("metadata.counted", 1, 1), name="counting rule"
    )
    await loyalty_client.create_rule(
        program, segment, ("metadata.box.size", 1, 1), name="boxing rule"
    )

    async def define(key: str, **definition: object) -> Json:
        return dict(await api.fetch(DEFINE, input={"key": key, **definition}))

    for key, definition in (
        ("counted", {"type": "STRING"}),
        ("counted", {"type": "NUMBER", "isArray": True}),
        ("counted", {"type": "OBJECT"}),
        ("box", {"type": "NUMBER"}),
    ):
        (error,) = (await define(key, **definition))["userErrors"]
        assert (error["code"], error["path"]) == ("INVALID", ["input", "key"])
        assert ("counting rule" if key == "counted" else "boxing rule") in error["message"]
    assert not (await define("counted", type="NUMBER"))["userErrors"]
    assert not (await define("box", type="OBJECT"))["userErrors"]

    # A definition counts from the start, before it is READY.
    await define("begun", type="STRING")
    refused = await api.list_errors(
        CREATE_RULE, input=earning_rule_input(program, segment, ("metadata.begun", 1, 1))
    )
    assert refused == ["INVALID input points proportional path"]


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


async def test_a_name_is_trimmed_and_need_not_be_unique(api: Api) -> None:
    for _ in range(2):
        payload = await api.fetch(CREATE_PROGRAM, input={"name": "\t" + "n" * 255 + "\n"})
        assert payload["program"]["name"] == "n" * 255
