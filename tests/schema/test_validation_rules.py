"""Validation rules: `validate` answers as `segmentMembership` does, and rules are uses."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.inputs import CustomerRef
from app.services import Services
from tests.api import Api, Json
from tests.loyalty_client import LoyaltyClient
from tests.validation_requests import (
    CREATE_RULE,
    DELETE_RULE,
    LIST_RULES,
    UPDATE_RULE,
    VALIDATE,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEMBERSHIP = (
    "query($segment: ID!, $customer: CustomerRef!, $overrides: JSON) { segmentMembership("
    "segmentIds: [$segment], customer: $customer, overrides: $overrides)"
    " { isMember explanation evaluatedAt } }"
)
SEGMENT = (
    "query($id: ID!) { segment(id: $id) { kind usedBy { kind id name node { __typename id } } } }"
)
DELETE_SEGMENT = (
    "mutation($id: ID!) { segmentDelete(id: $id) { deletedId userErrors { code message path } } }"
)
UPDATE_SEGMENT = (
    "mutation($id: ID!, $filter: FilterInput!) { segmentUpdate(id: $id, input: {filter: $filter})"
    " { segment { id } userErrors { code message path } } }"
)
DEFINE = (
    "mutation($input: MetadataDefinitionInput!) { metadataDefinitionSet(input: $input)"
    " { definition { state } userErrors { code message path } } }"
)
NODE = "query($id: ID!) { node(id: $id) { __typename id } }"
UNKNOWN_RULE = "val_" + "0" * 24

Filter = dict[str, Any]


def attribute(path: str, operator: str, value: Any = None) -> Filter:
    condition = {"path": path, "operator": operator}
    return {"attribute": condition if value is None else {**condition, "value": value}}


def segment_condition(id_: str) -> Filter:
    return {"segment": {"id": id_}}


async def create_rule(api: Api, filter_: Filter, **fields: Any) -> str:
    payload = await api.fetch(CREATE_RULE, input={"name": "rule", "filter": filter_, **fields})
    assert not payload["userErrors"], payload
    return str(payload["validationRule"]["id"])


async def create_segment(api: Api, **definition: Any) -> str:
    return await LoyaltyClient(api).create_segment(uuid4().hex, **definition)


async def validate(api: Api, rule: str, source_id: str, overrides: Json | None = None) -> Json:
    customer = {"sourceId": source_id}
    return dict(await api.fetch(VALIDATE, rule=rule, customer=customer, overrides=overrides))


async def test_a_rule_is_there_until_it_is_deleted(api: Api) -> None:
    filter_ = attribute("metadata.vip", "IS", True)
    sent = {"attribute": {**filter_["attribute"], "ignoreCase": False}}
    created = await api.fetch(CREATE_RULE, input={"name": " Spring ", "filter": sent})
    rule = created["validationRule"]
    assert rule == {
        "id": rule["id"],
        "name": "Spring",
        "filter": filter_,
        "filterText": "metadata.vip is true",
        "errorMessage": None,
        "createdAt": rule["createdAt"],
    }
    id_ = rule["id"]
    assert rule in await api.fetch(LIST_RULES)
    assert await api.fetch(NODE, id=id_) == {"__typename": "ValidationRule", "id": id_}

    changed = {"name": "Summer", "errorMessage": "VIPs only"}
    updated = (await api.fetch(UPDATE_RULE, id=id_, input=changed))["validationRule"]
    assert updated == {**rule, **changed}
    gold = attribute("metadata.plan", "IS", "gold")
    refiltered = (await api.fetch(UPDATE_RULE, id=id_, input={"filter": gold}))["validationRule"]
    text = 'metadata.plan is "gold"'
    assert refiltered == {**updated, "filter": gold, "filterText": text}
    cleared = (await api.fetch(UPDATE_RULE, id=id_, input={"errorMessage": None}))["validationRule"]
    assert cleared == {**refiltered, "errorMessage": None}
    assert cleared in await api.fetch(LIST_RULES)
    assert (await api.fetch(UPDATE_RULE, id=id_, input={}))["validationRule"] == cleared

    assert (await api.fetch(DELETE_RULE, id=id_))["validationRule"] == cleared
    assert id_ not in [left["id"] for left in await api.fetch(LIST_RULES)]
    assert await api.fetch(NODE, id=id_) is None
    known = {"customer": {"sourceId": "anybody"}}
    assert await api.list_errors(VALIDATE, rule=id_, **known) == ["NOT_FOUND ruleId"]
    assert await api.list_errors(DELETE_RULE, id=id_) == ["NOT_FOUND id"]
    assert await api.list_errors(UPDATE_RULE, id=id_, input={}) == ["NOT_FOUND id"]


async def test_the_reason_is_the_error_message_or_what_failed(api: Api) -> None:
    vip, warsaw = attribute("metadata.vip", "IS", True), attribute("address.city", "IS", "Warsaw")
    mail, phone = attribute("email", "HAS_VALUE"), attribute("phone", "HAS_VALUE")
    rule = await create_rule(
        api, {"all": [vip, {"any": [{"all": [warsaw, mail]}]}, {"any": [mail, phone]}]}
    )
    nobody = await validate(api, rule, uuid4().hex)
    assert not nobody["valid"]
    assert nobody["reason"] == (
        'The customer does not meet: metadata.vip is true; address.city is "Warsaw"; email is'
        " known; 1 more."
    ).replace("email is known", (await text_of(api, mail)))
    overrides = {"metadata": {"vip": True}, "address": {"city": "Warsaw"}}
    some = await validate(api, rule, uuid4().hex, {**overrides, "phone": "1"})
    assert some["reason"] == f"The customer does not meet: {await text_of(api, mail)}."
    full = {**overrides, "email": "a@example.com"}
    everything = await validate(api, rule, uuid4().hex, full)
    assert (everything["valid"], everything["reason"]) == (True, None)

    await api.fetch(UPDATE_RULE, id=rule, input={"errorMessage": "Sorry."})
    assert (await validate(api, rule, uuid4().hex))["reason"] == "Sorry."
    assert (await validate(api, rule, uuid4().hex, full))["reason"] is None

    segment = await create_segment(api, filter=vip)
    of_segment = await create_rule(api, {"none": [segment_condition(segment), mail]})
    member = await validate(api, of_segment, uuid4().hex, {"metadata": {"vip": True}})
    assert member["reason"].startswith('The customer does not meet: none of: is in the segment "')


async def text_of(api: Api, filter_: Filter) -> str:
    rule = await create_rule(api, filter_)
    (text,) = [found["filterText"] for found in await api.fetch(LIST_RULES) if found["id"] == rule]
    await api.fetch(DELETE_RULE, id=rule)
    return str(text)


_CONDITIONS: list[Filter] = [
    attribute("metadata.n", "GREATER_THAN", 3),
    attribute("metadata.n", "HAS_NO_VALUE"),
    attribute("email", "ENDS_WITH", "example.com"),
    attribute("orders.totalCount", "GREATER_THAN_OR_EQUAL", 1),
    {"event": {"name": "seen", "within": {"last": "P30D"}, "value": 2}},
    {"event": {"name": "order", "operator": "IS", "value": 0}},
    {"segment": {"id": "{listed}"}},
    {"segment": {"id": "{big}", "member": False}},
]
_FILTERS = st.recursive(
    st.sampled_from(_CONDITIONS),
    lambda inner: st.builds(
        lambda group, branches: {group: branches},
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)
_OVERRIDES = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "email": st.sampled_from(["x@example.com", "x@example.org", None]),
        "metadata": st.fixed_dictionaries({"n": st.none() | st.integers(0, 6)}),
        "orders": st.fixed_dictionaries({"totalCount": st.integers(0, 2)}),
    },
)


async def test_it_answers_as_a_membership_does(api: Api) -> None:
    customers = [{"sourceId": f"same-{n}", "metadata": {"n": n}} for n in range(0, 8, 2)]
    await api.bulk_upsert("customersUpsert", [{**customers[0], "email": "a@example.com"}])
    await api.bulk_upsert("customersUpsert", customers[1:])
    seen = [{"customer": {"sourceId": "same-4"}, "name": "seen"} for _ in range(3)]
    await api.bulk_upsert("eventsTrack", seen)
    order = {"sourceId": "same order", "customer": {"sourceId": "same-6"}, "amount": 1}
    await api.bulk_upsert("ordersUpsert", [order])
    ids = {
        "{listed}": await create_segment(api, customers=[{"sourceId": "same-2"}]),
        "{big}": await create_segment(api, filter=attribute("metadata.n", "GREATER_THAN", 5)),
    }
    await LoyaltyClient(api).create_rule(
        await LoyaltyClient(api).create_program("active"), ids["{big}"]
    )
    loop = asyncio.get_running_loop()
    answers = set()

    async def compare(wire: Filter, source_id: str, overrides: Json | None) -> None:
        filter_ = fill(wire, ids)
        rule, segment = await create_rule(api, filter_), await create_segment(api, filter=filter_)
        customer = {"customer": {"sourceId": source_id}, "overrides": overrides}
        validation = await api.fetch(VALIDATE, rule=rule, **customer)
        (membership,) = await api.fetch(MEMBERSHIP, segment=segment, **customer)
        assert validation["valid"] is membership["isMember"]
        assert validation["explanation"] == membership["explanation"]
        assert (validation["reason"] is None) is validation["valid"]
        answers.add(validation["valid"])
        await api.fetch(DELETE_RULE, id=rule)
        await api.fetch(DELETE_SEGMENT, id=segment)

    @settings(
        max_examples=60, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck]
    )
    @given(_FILTERS, st.sampled_from(["same-0", "same-2", "same-4", "same-6", "ghost"]), _OVERRIDES)
    def run(wire: Filter, source_id: str, overrides: Json | None) -> None:
        asyncio.run_coroutine_threadsafe(compare(wire, source_id, overrides), loop).result(60)

    await asyncio.to_thread(run)
    assert answers == {True, False}


def fill(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [fill(inner, ids) for inner in value]
    if isinstance(value, dict):
        return {key: fill(inner, ids) for key, inner in value.items()}
    return ids.get(value, value) if isinstance(value, str) else value


async def test_a_rule_makes_no_segment_active(api: Api) -> None:
    segment = await create_segment(api, filter=attribute("metadata.vip", "IS", True))
    rule = await create_rule(api, segment_condition(segment))
    assert await api.fetch(SEGMENT, id=segment) == {
        "kind": "PASSIVE",
        "usedBy": [
            {
                "kind": "VALIDATION_RULE",
                "id": rule,
                "name": "rule",
                "node": {"__typename": "ValidationRule", "id": rule},
            }
        ],
    }


async def test_each_use_shows_the_thing_itself(api: Api) -> None:
    club = LoyaltyClient(api)
    segment = await create_segment(api, filter=attribute("metadata.vip", "IS", True))
    outer = await create_segment(api, filter=segment_condition(segment))
    rule = await create_rule(api, segment_condition(segment))
    earning_rule = await club.create_rule(await club.create_program("uses"), segment)
    used_by = (await api.fetch(SEGMENT, id=segment))["usedBy"]
    assert [(use["kind"], use["node"]) for use in used_by] == [
        ("SEGMENT", {"__typename": "Segment", "id": outer}),
        ("VALIDATION_RULE", {"__typename": "ValidationRule", "id": rule}),
        ("EARNING_RULE", {"__typename": "EarningRule", "id": earning_rule}),
    ]


async def test_a_segment_that_a_rule_names_stays(api: Api) -> None:
    inner = await create_segment(api, filter=attribute("metadata.a", "IS", 1))
    outer = await create_segment(api, filter=segment_condition(inner))
    rule = await create_rule(api, {"any": [segment_condition(outer)]}, name="Checkout")
    payload = await api.fetch(DELETE_SEGMENT, id=outer)
    (error,) = payload["userErrors"]
    assert (error["code"], error["path"]) == ("SEGMENT_IN_USE", ["id"])
    assert "the validation rule 'Checkout'" in error["message"]

    await api.fetch(UPDATE_RULE, id=rule, input={"filter": attribute("email", "HAS_VALUE")})
    assert (await api.fetch(SEGMENT, id=outer))["usedBy"] == []
    await api.fetch(UPDATE_RULE, id=rule, input={"filter": segment_condition(outer)})
    assert await api.list_errors(DELETE_SEGMENT, id=outer) == ["SEGMENT_IN_USE id"]
    await api.fetch(DELETE_RULE, id=rule)
    assert (await api.fetch(DELETE_SEGMENT, id=outer))["deletedId"] == outer
    assert (await api.fetch(DELETE_SEGMENT, id=inner))["deletedId"] == inner


async def test_of_a_rule_and_a_deletion_at_once_one_is_refused(api: Api) -> None:
    for _ in range(5):
        segment = await create_segment(api, filter=attribute("metadata.a", "IS", 1))
        sent = {"name": "race", "filter": segment_condition(segment)}
        created, deleted = await asyncio.gather(
            api.list_errors(CREATE_RULE, input=sent), api.list_errors(DELETE_SEGMENT, id=segment)
        )
        assert (created, deleted) in (
            ([], ["SEGMENT_IN_USE id"]),
            (["NOT_FOUND input filter segment id"], []),
        )


async def test_another_process_judges_by_the_edit_of_a_nested_segment_at_once(api: Api) -> None:
    other = Services(api.services.store, api.settings)
    inner = await create_segment(api, filter=attribute("metadata.a", "IS", 1))
    outer = await create_segment(api, filter=segment_condition(inner))
    rule = await create_rule(api, segment_condition(outer))
    await api.upsert("judged", metadata={"a": 1})
    for value in (1, 2, 1):
        await api.fetch(UPDATE_SEGMENT, id=inner, filter=attribute("metadata.a", "IS", value))
        assert (await validate(api, rule, "judged"))["valid"] is (value == 1)
        judged = await other.validation_rules.validate(
            rule, CustomerRef.by_source_id("judged"), None, other.now()
        )
        assert judged.is_valid is (value == 1)
    await api.fetch(UPDATE_RULE, id=rule, input={"filter": attribute("metadata.a", "IS", 3)})
    judged = await other.validation_rules.validate(
        rule, CustomerRef.by_source_id("judged"), None, other.now()
    )
    assert not judged.is_valid


async def test_one_validation_is_one_query(api: Api) -> None:
    segment = await create_segment(
        api, filter={"event": {"name": "seen", "within": {"last": "P30D"}}}
    )
    rule = await create_rule(api, segment_condition(segment))
    await api.upsert("once")
    await validate(api, rule, "once")
    with profiled(api) as operations:
        await validate(api, rule, "once")
    assert [operation["ns"].partition(".")[2] for operation in operations] == ["counters"]


@contextmanager
def profiled(api: Api) -> Iterator[list[Json]]:
    """Yields a list that has all operations on the database at the end."""
    operations: list[Json] = []
    api.database.command("profile", 2)
    try:
        yield operations
    finally:
        api.database.command("profile", 0)
    profile = api.database["system.profile"].find({"op": {"$in": ["query", "command", "getmore"]}})
    operations += [row for row in profile if "profile" not in row["command"]]


async def test_a_key_is_not_redefined_against_a_rule(api: Api) -> None:
    rule = await create_rule(api, attribute("metadata.ruled", "CONTAINS", "x"), name="By text")
    definition = {"key": "ruled", "type": "NUMBER"}
    payload = await api.fetch(DEFINE, input=definition)
    (error,) = payload["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID", ["input", "key"])
    assert "validation rules 'By text'" in error["message"]
    await api.fetch(DELETE_RULE, id=rule)
    assert await api.list_errors(DEFINE, input=definition) == []


async def test_a_rule_reads_a_key_by_its_new_definition(api: Api) -> None:
    await api.upsert("retyped", metadata={"retyped": "12"})
    rule = await create_rule(api, attribute("metadata.retyped", "GREATER_THAN", 10))
    assert not (await validate(api, rule, "retyped"))["valid"]
    assert await api.list_errors(DEFINE, input={"key": "retyped", "type": "NUMBER"}) == []
    await api.services.metadata.convert("retyped")
    validation = await validate(api, rule, "retyped")
    stored = api.read_customer_document("retyped")["metadata"]["retyped"]
    assert validation["valid"] is (stored == 12)


async def test_an_edit_may_not_make_a_rule_too_large(api: Api) -> None:
    conditions = [attribute("metadata.a", "IS", n) for n in range(195)]
    segments = [await create_segment(api, filter={"any": conditions}) for _ in range(5)]
    small = await create_segment(api, filter=attribute("metadata.a", "IS", 0))
    ids = [*segments, small]
    await create_rule(api, {"any": [segment_condition(id_) for id_ in ids]}, name="Huge")
    payload = await api.fetch(UPDATE_SEGMENT, id=small, filter={"any": conditions[:50]})
    (error,) = payload["userErrors"]
    assert (error["code"], error["path"]) == ("FILTER_TOO_COMPLEX", ["input", "filter"])
    assert "The validation rule 'Huge'" in error["message"]
    ok = await api.list_errors(UPDATE_SEGMENT, id=small, filter={"any": conditions[:5]})
    assert ok == []


async def test_an_unknown_rule_is_an_error(api: Api) -> None:
    customer = {"sourceId": "anybody"}
    for rule in (UNKNOWN_RULE, "", "\0", "cus_" + "0" * 24):
        assert await api.list_errors(VALIDATE, rule=rule, customer=customer) == ["NOT_FOUND ruleId"]
    rule = await create_rule(api, attribute("email", "HAS_VALUE"))
    unknown = {"id": "cus_" + "0" * 24}
    assert await api.list_errors(VALIDATE, rule=rule, customer=unknown) == ["NOT_FOUND customer id"]
    for overrides, error in (
        ({"emial": "x"}, "INVALID overrides emial"),
        ({"metadata": 1}, "METADATA_INVALID overrides metadata"),
        ({"sourceId": "other"}, "INVALID overrides sourceId"),
    ):
        sent = {"rule": rule, "customer": customer, "overrides": overrides}
        assert await api.list_errors(VALIDATE, **sent) == [error]
