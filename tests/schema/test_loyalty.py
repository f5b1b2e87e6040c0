"""Loyalty programs, their earning rules, and the ledger."""

import asyncio
from datetime import timedelta

import pytest
import pytest_asyncio

from tests.api import Api, Json
from tests.club import END_PROGRAM, END_RULE, NOW, PROGRAM, RULE, Club, rule

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROGRAMS = "{ loyaltyPrograms { id name earningRules { id name segment { id } } } }"
NODE = "query($id: ID!) { node(id: $id) { __typename id } }"
USES = "query($id: ID!) { segment(id: $id) { kind editable activatedAt usedBy { kind id name } } }"
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
async def club(api: Api) -> Club:
    return Club(api)


async def test_a_program_and_its_rules_are_there_until_they_are_deleted(
    api: Api, club: Club
) -> None:
    program = await club.program("  Bonus club ")
    segment = await club.segment("kept")
    first = await club.rule(program, segment, name=" First ")
    second = await club.rule(program, segment, name="Second")

    assert [p for p in await api.ask(PROGRAMS) if p["id"] == program] == [
        {
            "id": program,
            "name": "Bonus club",
            "earningRules": [
                {"id": first, "name": "First", "segment": {"id": segment}},
                {"id": second, "name": "Second", "segment": {"id": segment}},
            ],
        }
    ]
    assert await api.refusals(END_PROGRAM, id=program) == ["INVALID id"]
    refused = await api.ask(END_PROGRAM, id=program)
    assert "'First', 'Second'" in refused["userErrors"][0]["message"]

    for id_ in (first, second):
        assert (await api.ask(NODE, id=id_))["__typename"] == "EarningRule"
        ended = await api.ask(END_RULE, id=id_)
        assert ended["earningRule"] == {
            "id": id_,
            "enabled": False,
            "program": {"name": "Bonus club"},
            "segment": {"name": "kept"},
        }
        assert await api.ask(NODE, id=id_) is None
        assert await api.refusals(END_RULE, id=id_) == ["NOT_FOUND id"]
    assert (await api.ask(NODE, id=program))["__typename"] == "LoyaltyProgram"
    assert (await api.ask(END_PROGRAM, id=program))["program"]["name"] == "Bonus club"
    assert await api.ask(NODE, id=program) is None
    assert await api.refusals(END_PROGRAM, id=program) == ["NOT_FOUND id"]
    assert await api.refusals(RULE, input=rule(program, segment)) == ["NOT_FOUND input programId"]


async def test_a_rule_says_what_was_sent(api: Api, club: Club) -> None:
    program, segment = await club.program("said"), await club.segment("said")
    dates = {"activeFrom": "2020-01-01T00:00:00Z", "activeUntil": "2020-02-01T01:00:00+01:00"}
    sent = rule(program, segment, ("metadata.spent", 2.5, 3), maxPerCustomer=2, **dates)
    made = (await api.ask(RULE, input=sent))["earningRule"]
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
    always = (await api.ask(RULE, input=rule(program, segment, 7, **nothing)))["earningRule"]
    assert (always["enabled"], always["points"]["fixed"]) == (True, 7)


async def test_a_rule_makes_its_segment_active_once_and_for_good(api: Api, club: Club) -> None:
    program, segment = await club.program("uses"), await club.segment("used")
    assert (await api.ask(USES, id=segment))["kind"] == "PASSIVE"

    id_ = await club.rule(program, segment, name="user")
    used = await api.ask(USES, id=segment)
    assert used["usedBy"] == [{"kind": "EARNING_RULE", "id": id_, "name": "user"}]
    assert (used["kind"], used["editable"]) == ("ACTIVE", False)
    changed = {"filter": {"attribute": {"path": "email", "operator": "HAS_VALUE"}}}
    edit = await api.refusals(UPDATE, id=segment, input=changed)
    assert edit == ["SEGMENT_NOT_EDITABLE input filter"]
    refused = (await api.ask(DELETE, id=segment))["userErrors"][0]
    assert (refused["code"], refused["path"]) == ("SEGMENT_IN_USE", ["id"])
    assert "the earning rule 'user'" in refused["message"]

    await club.rule(program, segment, name="another")
    await club.end_rule(id_)
    again = await api.ask(USES, id=segment)
    assert again["activatedAt"] == used["activatedAt"]
    assert [use["name"] for use in again["usedBy"]] == ["another"]
    await club.end_rule(again["usedBy"][0]["id"])
    assert (await api.ask(USES, id=segment))["kind"] == "ACTIVE"
    assert (await api.ask(DELETE, id=segment))["deletedId"] == segment


async def test_two_that_need_one_another_pass_one_after_the_other(api: Api, club: Club) -> None:
    for turn in range(5):
        program, segment = await club.program("race"), await club.segment(f"race {turn}")
        made, deleted = await asyncio.gather(
            api.ask(RULE, input=rule(program, segment)), api.ask(END_PROGRAM, id=program)
        )
        assert bool(made["userErrors"]) != bool(deleted["userErrors"])
        made, deleted = await asyncio.gather(
            api.ask(RULE, input=rule(await club.program("race"), segment)),
            api.ask(DELETE, id=segment),
        )
        assert bool(made["userErrors"]) != bool(deleted["userErrors"])


async def test_what_a_rule_names_may_go_as_soon_as_the_rule(api: Api, club: Club) -> None:
    program = await club.program("going")
    for turn in range(5):
        segment = await club.segment(f"going {turn}")
        rule_ = await club.rule(program, segment)
        ended, *others = await asyncio.gather(
            api.ask(END_RULE, id=rule_),
            *(api.answer(DELETE, id=segment) for _ in range(3)),
            *(api.ask(PROGRAMS) for _ in range(3)),
        )
        assert ended["earningRule"]["segment"] == {"name": f"going {turn}"}
        assert "errors" not in str(others)


async def test_there_are_at_most_a_thousand_programs(api: Api) -> None:
    rows = [{"name": "many", "createdAt": NOW} for _ in range(1_000)]
    made = api.database.loyaltyPrograms.insert_many(rows).inserted_ids
    try:
        assert await api.refusals(PROGRAM, input={"name": "more"}) == ["TOO_MANY input"]
    finally:
        api.database.loyaltyPrograms.delete_many({"_id": {"$in": made}})


async def test_a_key_that_a_rule_counts_by_stays_a_number(api: Api, club: Club) -> None:
    segment = await club.segment("counted by")
    program = await club.program("counted by")
    await club.rule(program, segment, ("metadata.counted", 1, 1), name="counting rule")
    await club.rule(program, segment, ("metadata.box.size", 1, 1), name="boxing rule")

    async def define(key: str, **definition: object) -> Json:
        return dict(await api.ask(DEFINE, input={"key": key, **definition}))

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

    # What is being defined counts from the start, long before it is READY.
    await define("begun", type="STRING")
    refused = await api.refusals(RULE, input=rule(program, segment, ("metadata.begun", 1, 1)))
    assert refused == ["INVALID input points proportional path"]


async def test_the_ledger_tells_where_points_come_from(api: Api, club: Club) -> None:
    await api.upsert("earner", metadata={"spent": 25})
    segment = await club.segment("earns")
    one, other = await club.program("one"), await club.program("other")
    await club.enters(segment, "earner")
    fixed = await club.rule(one, segment, 10, name="fixed")
    await club.rule(other, segment, ("metadata.spent", 10, 3), name="by the tens")
    version = api.stored("earner")["version"]
    await club.enters(segment, "earner")
    await club.earn()
    await club.enters(segment, "earner")
    await club.earn()

    entries = await club.ledger("earner")
    assert [(e["program"]["name"], e["points"], e["balance"]) for e in entries] == [
        ("other", 6, 12),
        ("one", 10, 20),
        ("other", 6, 6),
        ("one", 10, 10),
    ]
    assert entries[0]["transition"]["sequence"] == entries[2]["transition"]["sequence"] + 1
    assert await club.points("earner") == 32
    stored = api.stored("earner")
    assert stored["loyalty"] == {"points": 32}
    assert stored["version"] == version + 2
    assert (await api.ask(NODE, id=entries[0]["id"]))["__typename"] == "LedgerEntry"

    # Who deletes a rule, and then its program, takes nobody's points.
    await club.end_rule(fixed)
    assert (await api.ask(END_PROGRAM, id=one))["program"]["id"] == one
    entries = await club.ledger("earner")
    assert [(e["program"]["name"], e["rule"] and e["rule"]["name"]) for e in entries] == [
        ("other", "by the tens"),
        ("one", None),
    ] * 2
    assert await club.points("earner") == 32


async def test_pages_of_the_ledger_stay_good_while_entries_come(api: Api, club: Club) -> None:
    await api.upsert("paged")
    segment = await club.segment("paged")
    program = await club.program("paged")
    for points in range(1, 4):
        await club.rule(program, segment, points)
    await club.enters(segment, "paged", "paged")
    await club.earn()
    whole = [entry["points"] for entry in await club.ledger("paged")]
    assert whole == [3, 2, 1, 3, 2, 1]

    query = (
        "loyalty { ledger(first: 2%s) { edges { cursor } nodes { points }"
        " pageInfo { hasNextPage endCursor } } }"
    )
    found, after, more = [], "", True
    while more:
        page = (await api.customer("paged", query % after))["loyalty"]["ledger"]
        found += [entry["points"] for entry in page["nodes"]]
        await club.enters(segment, "paged")
        await club.earn()
        more = page["pageInfo"]["hasNextPage"]
        after = f', after: "{page["pageInfo"]["endCursor"]}"'
    assert found == whole


async def test_a_deleted_customer_leaves_no_entries(api: Api, club: Club) -> None:
    await api.upsert("leaver")
    segment = await club.segment("leaver")
    await club.rule(await club.program("leaver"), segment)
    await club.enters(segment, "leaver")
    await club.earn()
    (entry,) = await club.ledger("leaver")
    crossing = club.crossing(segment, "leaver", "ENTERED")
    await api.ask('mutation { customerDelete(customer: {sourceId: "leaver"}) { deletedId } }')
    assert await api.ask(NODE, id=entry["id"]) is None
    ledger = api.database.ledger.count_documents({})

    # Of one who is gone already there is nothing to say.
    await club.append([crossing])
    await club.earn()
    await api.upsert("leaver")
    assert await club.loyalty("leaver") == {"points": 0, "ledger": {"nodes": []}}
    assert api.database.ledger.count_documents({}) == ledger


async def test_the_first_date_is_in_and_the_last_is_out(api: Api, club: Club) -> None:
    await api.upsert("dated")
    segment = await club.segment("dated")
    until = NOW + timedelta(hours=1)
    dates = {"activeFrom": NOW.isoformat(), "activeUntil": until.isoformat()}
    await club.rule(await club.program("dated"), segment, 1, **dates)
    millisecond = timedelta(milliseconds=1)
    for at in (NOW - millisecond, NOW, until - millisecond, until):
        await club.enters(segment, "dated", at=at)
    await club.earn()
    assert await club.points("dated") == 2


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
async def test_proportional_points(api: Api, club: Club, spent: object, points: int) -> None:
    who = f"spent {spent}"
    await api.upsert(who, metadata={"cart": {"spent": spent}})
    segment = await club.segment(who)
    await club.rule(await club.program(who), segment, ("metadata.cart.spent", 1.1, 3))
    await club.enters(segment, who)
    await club.earn()
    assert await club.points(who) == points
    assert len(await club.ledger(who)) == (points > 0)


async def test_what_others_wrote_of_the_points_is_put_right(api: Api, club: Club) -> None:
    await api.upsert("written")
    segment = await club.segment("written")
    await club.rule(await club.program("written"), segment, 10)
    api.database.customers.update_one({"sourceId": "written"}, {"$set": {"loyalty.points": 10}})
    for expected in (10, 20):
        version = api.stored("written")["version"]
        await club.enters(segment, "written")
        await club.earn()
        assert await club.points("written") == expected
        assert api.stored("written")["version"] == version + 1


async def test_nobody_has_more_than_64_bits(api: Api, club: Club) -> None:
    await api.upsert("rich", metadata={"spent": 2**62})
    segment = await club.segment("rich")
    one, other = await club.program("rich"), await club.program("richer")
    await club.rule(one, segment, ("metadata.spent", 1, 1))
    await club.rule(other, segment, ("metadata.spent", 1, 1))
    await club.rule(other, segment, 5)
    await club.enters(segment, "rich", "rich")
    await club.earn()
    assert [(e["points"], e["balance"]) for e in await club.ledger("rich")] == [
        (2**62 - 1, 2**62 - 1),
        (2**62, 2**62),
    ]
    assert await club.points("rich") == 2**63 - 1


async def test_a_name_is_trimmed_and_need_not_be_unique(api: Api) -> None:
    for _ in range(2):
        payload = await api.ask(PROGRAM, input={"name": "\t" + "n" * 255 + "\n"})
        assert payload["program"]["name"] == "n" * 255
