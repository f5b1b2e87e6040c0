"""`extensions.hints`: what a valid filter probably does not mean."""

from typing import Any

import pytest
import pytest_asyncio

from app.errors import QueryTimeout
from app.services import filter_hints
from app.store.field_probes import FieldProbes
from tests.api import Api, Json
from tests.schema.segment_queries import (
    ALL_CUSTOMERS_FILTER,
    CREATE,
    UPDATE,
    attribute_filter,
    create_segment,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREVIEW = "query($filter: FilterInput!) { segmentPreview(filter: $filter) { memberCount } }"
DEFINE = """mutation($input: MetadataDefinitionInput!) { metadataDefinitionSet(input: $input) {
    userErrors { message } } }"""
HintParts = list[tuple[str, str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _data(api: Api) -> None:
    await api.upsert(
        "hinted",
        metadata={
            "vip": True,
            "tier": "gold",
            "since": "2026-03-29",
            "address": {"city": "Warsaw"},
            "cars": [{"make": "Fiat"}],
        },
    )
    properties = {"items": [{"sku": "a"}], "shop": {"city": "Warsaw"}}
    row = {"name": "purchase", "customer": {"sourceId": "hinted"}, "properties": properties}
    await api.bulk_upsert("eventsTrack", [row])
    order = {
        "sourceId": "hinted",
        "customer": {"sourceId": "hinted"},
        "amount": 500,
        "status": "PAID",
        "metadata": {"coupon": "XMAS", "shipping": {"city": "Warsaw"}},
        "items": [{"sku": "a", "amount": 500, "metadata": {"colour": "red"}}],
    }
    assert (await api.bulk_upsert("ordersUpsert", [order]))["refused"] == []
    for key, type_, allowed in (
        ("tier", "STRING", ["gold", "silver"]),
        ("since", "DATE", ["2026-03-29", "2026-03-30"]),
    ):
        input_ = {"key": key, "type": type_, "allowedValues": allowed}
        assert not (await api.fetch(DEFINE, input=input_))["userErrors"]
        await api.services.metadata.convert(key)


def hints_of(response: Json) -> HintParts:
    """Returns the path and the message of each hint."""
    assert "errors" not in response, response
    return [
        (" ".join(hint["path"]), hint["message"])
        for hint in response.get("extensions", {}).get("hints", ())
    ]


async def preview_hints(api: Api, filter_: Json) -> HintParts:
    return hints_of(await api.execute(PREVIEW, filter=filter_))


def purchase_filter(property_path: str) -> Json:
    return event_filter("purchase", property_path)


def event_filter(
    name: str, property_path: str, operator: str = "IS", value: Any = "a", **more: Any
) -> Json:
    where = {"path": property_path, "operator": operator, "value": value, **more}
    return {"event": {"name": name, "where": [where]}}


@pytest.mark.parametrize(
    "filter_",
    [
        attribute_filter("metadata.vip", "IS", True),
        attribute_filter("metadata.address.city", "IS", "Berlin"),
        attribute_filter("metadata.tier", "IN", ["gold", "silver"]),
        attribute_filter("metadata.tier", "IS", "gold"),
        attribute_filter("metadata.tier", "STARTS_WITH", "x"),
        attribute_filter("metadata.since", "IS", "2026-03-30"),
        attribute_filter("email", "IS", "nobody"),
        attribute_filter("events.purchase.count", "IS", 1),
        attribute_filter("events.order.count", "IS", 1),
        purchase_filter("shop.city"),
        {"event": {"name": "order"}},
        event_filter("order", "coupon"),
        event_filter("order", "metadata.shipping.city"),
        event_filter("order", "status", value="PAID"),
        event_filter("order", "status", value="paid", ignoreCase=True),
        event_filter("order", "status", "STARTS_WITH", "x"),
        event_filter("order", "amount", value=5),
        event_filter("order.item", "quantity", value=5),
        event_filter("order.item", "category"),
        event_filter("order.item", "colour"),
    ],
    ids=str,
)
async def test_a_plausible_filter_has_no_hints(api: Api, filter_: Json) -> None:
    response = await api.execute(PREVIEW, filter=filter_)
    assert "hints" not in response["extensions"]


@pytest.mark.parametrize(
    ("filter_", "path", "words"),
    [
        (
            attribute_filter("metadata.vpi", "IS", True),
            "filter attribute path",
            "No customer has a value at 'metadata.vpi'; the nearest metadata key is 'vip'.",
        ),
        (
            attribute_filter("metadata.address.town", "IS", "Warsaw"),
            "filter attribute path",
            "No customer has a value at 'metadata.address.town'; the nearest metadata key is",
        ),
        (
            attribute_filter("metadata.address.ctiy", "IS", "Warsaw"),
            "filter attribute path",
            "No customer has a value at 'metadata.address.ctiy'; the nearest metadata key is"
            " 'address.city'.",
        ),
        (
            attribute_filter("metadata.adress.city", "IS", "Warsaw"),
            "filter attribute path",
            "No customer has a value at 'metadata.adress.city'; the nearest metadata key is"
            " 'address'.",
        ),
        (
            {"event": {"name": "order.items"}},
            "filter event name",
            "No event has the name 'order.items'; the nearest name is 'order.item'.",
        ),
        (
            {"all": [{"none": [{"event": {"name": "purchse"}}]}]},
            "filter all 0 none 0 event name",
            "No event has the name 'purchse'; the nearest name is 'purchase'.",
        ),
        (
            attribute_filter("events.purchse.lastAt", "HAS_VALUE"),
            "filter attribute path",
            "No event has the name 'purchse'; the nearest name is 'purchase'.",
        ),
        (
            purchase_filter("shopp"),
            "filter event where 0 path",
            "None of the last 1,000 events 'purchase' has a value at 'shopp'; the nearest property"
            " is 'shop'.",
        ),
        (
            purchase_filter("shop.town"),
            "filter event where 0 path",
            "None of the last 1,000 events 'purchase' has a value at 'shop.town'.",
        ),
        (
            {
                "event": {
                    "name": "order",
                    "aggregate": {"function": "SUM", "property": "amuont"},
                    "operator": "GREATER_THAN",
                    "value": 5,
                }
            },
            "filter event aggregate property",
            "None of the last 1,000 events 'order' has a value at 'amuont'; the nearest property is"
            " 'amount'.",
        ),
        (
            event_filter("order", "metadata.cupon"),
            "filter event where 0 path",
            "None of the last 1,000 events 'order' has a value at 'metadata.cupon'; the nearest"
            " property is 'coupon'.",
        ),
        (
            event_filter("order", "sku"),
            "filter event where 0 path",
            "None of the last 1,000 events 'order' has a value at 'sku'; it is a property of"
            " 'order.item'.",
        ),
        (
            event_filter("order.item", "status"),
            "filter event where 0 path",
            "None of the last 1,000 events 'order.item' has a value at 'status'; it is a property"
            " of 'order'.",
        ),
        (
            event_filter("order.item", "color"),
            "filter event where 0 path",
            "None of the last 1,000 events 'order.item' has a value at 'color'; the nearest"
            " property is 'colour'.",
        ),
        (
            event_filter("order", "status", value="CANCELED"),
            "filter event where 0 value",
            "No event 'order' has the status \"CANCELED\": an order counts as an event while its"
            " status is PAID or FULFILLED.",
        ),
        (
            event_filter("order", "status", "IN", ["PAID", "paid"]),
            "filter event where 0 value 1",
            "No event 'order' has the status \"paid\": an order counts as an event while its status"
            " is PAID or FULFILLED.",
        ),
        (
            attribute_filter("metadata.tier", "IS_NOT", "bronze"),
            "filter attribute value",
            '"bronze" is not among the allowed values of \'tier\', which are "gold" and "silver".',
        ),
        (
            attribute_filter("metadata.tier", "IN", ["gold", "bronze"]),
            "filter attribute value 1",
            '"bronze" is not among the allowed values of \'tier\', which are "gold" and "silver".',
        ),
        (
            attribute_filter("metadata.since", "IS", "2026-04-01"),
            "filter attribute value",
            "2026-04-01 is not among the allowed values of 'since', which are"
            ' "2026-03-29" and "2026-03-30".',
        ),
        (
            attribute_filter("metadata.cars.make", "IS", "Fiat"),
            "filter attribute path",
            "Some stored customers have an array on the way to 'metadata.cars.make'.",
        ),
        (
            purchase_filter("items.sku"),
            "filter event where 0 path",
            "Some stored events have an array on the way to 'items.sku'.",
        ),
        (
            {
                "event": {
                    "name": "purchase",
                    "aggregate": {"function": "DISTINCT_COUNT", "property": "items.sku"},
                }
            },
            "filter event aggregate property",
            "Some stored events have an array on the way to 'items.sku'.",
        ),
    ],
)
async def test_an_implausible_filter_is_taken_with_a_hint(
    api: Api, filter_: Json, path: str, words: str
) -> None:
    ((found_path, message),) = await preview_hints(api, filter_)
    assert (found_path, message.startswith(words)) == (path, True), message


async def test_a_segment_is_created_and_edited_with_hints(api: Api) -> None:
    wrong, right = (attribute_filter(f"metadata.{key}", "IS", True) for key in ("vpi", "vip"))

    async def create(name: str, **definition: Any) -> Json:
        return await api.execute(CREATE, **{"in": {"name": name, "definition": definition}})

    created = await create("hinted", filter=wrong)
    assert [path for path, _ in hints_of(created)] == ["input definition filter attribute path"]
    snapshot = await create("hinted snapshot", snapshot=wrong)
    assert [path for path, _ in hints_of(snapshot)] == ["input definition snapshot attribute path"]
    assert hints_of(await create("hinted list", customers=[{"sourceId": "hinted"}])) == []
    # A segment that is not created has errors only.
    taken = await create("hinted", filter=wrong)
    assert taken["data"]["segmentCreate"]["userErrors"]
    assert hints_of(taken) == []

    id_ = created["data"]["segmentCreate"]["segment"]["id"]
    assert hints_of(await api.execute(UPDATE, id=id_, **{"in": {"filter": right}})) == []
    assert hints_of(await api.execute(UPDATE, id=id_, **{"in": {"name": "renamed"}})) == []
    edited = await api.execute(UPDATE, id=id_, **{"in": {"filter": wrong}})
    assert [path for path, _ in hints_of(edited)] == ["input filter attribute path"]


EXPORT = """mutation($in: SegmentExportInput!) { segmentExport(input: $in) {
    export { fields } userErrors { message } } }"""


async def test_an_export_is_started_with_hints_about_its_columns(api: Api) -> None:
    segment_id = await create_segment(api, "exported", filter=ALL_CUSTOMERS_FILTER)
    columns = ["sourceId", "metadata", "metadata.tire", "metadata.tier", "events.purchse.count"]
    started = await api.execute(EXPORT, **{"in": {"segmentId": segment_id, "fields": columns}})
    assert started["data"]["segmentExport"]["export"]["fields"] == columns
    assert hints_of(started) == [
        (
            "input fields 2",
            "No customer has a value at 'metadata.tire'; the nearest metadata key is 'tier'.",
        ),
        ("input fields 4", "No event has the name 'purchse'; the nearest name is 'purchase'."),
    ]
    default = await api.execute(EXPORT, **{"in": {"segmentId": segment_id}})
    assert hints_of(default) == []
    # An export that is not started has errors only.
    unknown = {"segmentId": segment_id, "fields": ["metadata.tire", "emial"]}
    assert hints_of(await api.execute(EXPORT, **{"in": unknown})) == []


async def test_the_look_ups_and_the_hints_are_bounded(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    original = FieldProbes.positive

    async def counting(self: FieldProbes, probes: Any) -> Any:
        asked.append(list(probes))
        return await original(self, asked[-1])

    monkeypatch.setattr(FieldProbes, "positive", counting)
    branches = [attribute_filter(f"metadata.unknown{n}", "HAS_VALUE") for n in range(200)]
    assert len(await preview_hints(api, {"any": branches})) == filter_hints.MAX_HINTS
    assert [len(probes) for probes in asked] == [filter_hints.MAX_PROBES]


async def test_look_ups_that_take_too_long_are_given_up(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def too_slow(*_: Any) -> Any:
        raise QueryTimeout

    monkeypatch.setattr(FieldProbes, "positive", too_slow)
    assert await preview_hints(api, attribute_filter("metadata.vpi", "IS", True)) == []
