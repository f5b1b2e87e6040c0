"""filterEvents and the suggestions for properties of events, for filter editors."""

import pytest
import pytest_asyncio

from tests.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENTS = """{ filterEvents {
  name lastAt
  properties { path type isArray operators { operator } }
  comparisons { operator label takes }
} }"""
SUGGEST = """query($path: String!, $event: String, $prefix: String) {
  filterValueSuggestions(path: $path, event: $event, prefix: $prefix)
}"""
PREVIEW = "query($filter: FilterInput!) { segmentPreview(filter: $filter) { memberCount } }"
FIRST_AT = "2026-01-01T00:00:00Z"
LAST_AT = "2026-02-01T00:00:00Z"


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def insert_events(api: Api) -> None:
    customer = {"sourceId": "editor"}
    events = [
        {"customer": customer, "name": "viewed", "at": at, "properties": properties}
        for at, properties in (
            (FIRST_AT, {"page": "home", "seconds": 2.5, "tags": ["a"]}),
            (LAST_AT, {"page": "home", "seconds": 3, "place": {"lat": 1, "lon": 2}}),
            (FIRST_AT, {"page": "Basket", "seconds": "?"}),
        )
    ]
    events.append({"customer": customer, "name": "seen.once", "at": FIRST_AT})
    assert (await api.bulk_upsert("eventsTrack", events))["refused"] == []
    shoes = {"sku": "shoe-1", "category": "shoes", "amount": 8000, "metadata": {"size": 38}}
    orders = [
        {"sourceId": "o-1", "amount": 1, "at": FIRST_AT, "items": [shoes, shoes]},
        {"sourceId": "o-2", "amount": 2, "at": LAST_AT, "metadata": {"channel": "web"}},
        {
            "sourceId": "o-3",
            "amount": 3,
            "at": FIRST_AT,
            "items": [{"sku": "Sock", "category": "socks", "amount": 1}],
        },
        {
            "sourceId": "o-4",
            "amount": 3,
            "at": "2026-03-01T00:00:00Z",
            "status": "CANCELED",
            "items": [{"sku": "not counted", "amount": 1}],
        },
    ]
    rows = [{**order, "customer": customer} for order in orders]
    assert (await api.bulk_upsert("ordersUpsert", rows))["refused"] == []


async def events_by_name(api: Api) -> dict[str, Json]:
    return {event["name"]: event for event in await api.fetch(EVENTS)}


async def test_orders_items_and_custom_events_are_listed(api: Api) -> None:
    found = await events_by_name(api)
    assert list(found) == ["order", "order.item", "seen.once", "viewed"]
    assert {name: event["lastAt"] for name, event in found.items()} == {
        "order": LAST_AT,
        "order.item": FIRST_AT,
        "seen.once": FIRST_AT,
        "viewed": LAST_AT,
    }


async def test_properties_have_types(api: Api) -> None:
    types = {
        name: {p["path"]: (p["type"], p["isArray"]) for p in event["properties"]}
        for name, event in (await events_by_name(api)).items()
    }
    assert types["viewed"] == {
        "page": ("STRING", False),
        "place": ("GEOPOINT", False),
        "seconds": ("NUMBER", False),
        "tags": ("STRING", True),
    }
    assert types["seen.once"] == {}
    assert types["order"] == {
        "amount": ("NUMBER", False),
        "status": ("STRING", False),
        "channel": ("STRING", False),
    }
    assert types["order.item"] == {
        "sku": ("STRING", False),
        "name": ("STRING", False),
        "category": ("STRING", False),
        "quantity": ("NUMBER", False),
        "amount": ("NUMBER", False),
        "orderSourceId": ("STRING", False),
        "size": ("NUMBER", False),
    }


async def test_filters_accept_what_is_listed(api: Api) -> None:
    found = await events_by_name(api)
    for name, event in found.items():
        for property_ in event["properties"]:
            operators = {operator["operator"] for operator in property_["operators"]}
            assert operators >= {"HAS_VALUE", "HAS_NO_VALUE"}
            where = [{"path": property_["path"], "operator": "HAS_VALUE"}]
            condition = {"name": name, "where": where}
            preview = await api.fetch(PREVIEW, filter={"event": condition})
            assert preview == {"memberCount": int(property_["path"] != "name")}
        assert [comparison["operator"] for comparison in event["comparisons"]] == [
            "IS",
            "IS_NOT",
            "GREATER_THAN",
            "GREATER_THAN_OR_EQUAL",
            "LESS_THAN",
            "LESS_THAN_OR_EQUAL",
            "BETWEEN",
        ]


@pytest.mark.parametrize(
    ("event", "path", "prefix", "values"),
    [
        ("viewed", "page", None, ["home", "Basket"]),
        ("viewed", "page", "b", ["Basket"]),
        ("viewed", "tags", None, ["a"]),
        ("order", "status", None, ["PAID"]),
        ("order", "channel", None, ["web"]),
        ("order.item", "sku", None, ["shoe-1", "Sock"]),
        ("order.item", "sku", "so", ["Sock"]),
        ("order.item", "size", None, [38]),
        ("order.item", "orderSourceId", None, ["o-1", "o-3"]),
        ("unknown", "a", None, []),
    ],
)
async def test_values_of_properties_are_suggested(
    api: Api, event: str, path: str, prefix: str | None, values: list[object]
) -> None:
    assert await api.fetch(SUGGEST, event=event, path=path, prefix=prefix) == values


async def test_unusable_names_are_refused(api: Api) -> None:
    assert await api.list_errors(SUGGEST, event="viewed", path="$a") == ["UNKNOWN_ATTRIBUTE path"]
    assert await api.list_errors(SUGGEST, event="x" * 101, path="a") == ["INVALID_VALUE event"]
