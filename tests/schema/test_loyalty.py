"""Loyalty programs and their earning rules."""

import asyncio

import pytest

from tests.api import Api, Json
from tests.loyalty_client import (
    CREATE_PROGRAM,
    CREATE_RULE,
    DELETE_PROGRAM,
    DELETE_RULE,
    NODE,
    NOW,
    LoyaltyClient,
    earning_rule_input,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
PROGRAMS = "{ loyaltyPrograms { id name earningRules { id name segment { id } } } }"
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


async def test_a_name_is_trimmed_and_need_not_be_unique(api: Api) -> None:
    for _ in range(2):
        payload = await api.fetch(CREATE_PROGRAM, input={"name": "\t" + "n" * 255 + "\n"})
        assert payload["program"]["name"] == "n" * 255
