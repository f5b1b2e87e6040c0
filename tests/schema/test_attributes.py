"""The queries for filter editors: filters accept what the queries offer."""

from typing import Any

import pytest
import pytest_asyncio

from tests.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

ATTRIBUTES = """{ filterAttributes {
  path label group type isArray operators { operator label takes }
} }"""
SUGGEST = """query($path: String!, $prefix: String, $first: Int) {
  filterValueSuggestions(path: $path, prefix: $prefix, first: $first)
}"""
PREVIEW = "query($filter: FilterInput!) { segmentPreview(filter: $filter) { memberCount } }"
OPERATORS = '{ __type(name: "Operator") { enumValues { name } } }'
DEFINE = """mutation($input: MetadataDefinitionInput!) {
  metadataDefinitionSet(input: $input) { userErrors { message } }
}"""

PLANS = ["free", "free", "Pro", "free", "pro", "Pro", "basic"]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def insert_customers(api: Api) -> None:
    """Customers with metadata of many shapes, one key defined, and an event."""
    definition = {"key": "since", "type": "DATE", "label": "Customer since"}
    assert (await api.fetch(DEFINE, input=definition))["userErrors"] == []
    await api.services.metadata.convert("since")
    shapes: Json = {
        "tags": ["new", "old"],
        "score": 1.5,
        "vip": True,
        "store": {"lat": 52.2, "lon": 21.0},
        "contact": {"by": "mail"},
        "since": "2020-02-29",
    }
    rows = [
        {
            "sourceId": f"editor {n}",
            "birthdate": "1990-05-0" + str(1 + n % 2),
            "metadata": {**shapes, "plan": plan},
        }
        for n, plan in enumerate(PLANS)
    ]
    assert (await api.bulk_upsert("customersUpsert", rows))["refused"] == []
    event = {"customer": {"sourceId": "editor 0"}, "name": "page.viewed"}
    assert (await api.bulk_upsert("eventsTrack", [event]))["refused"] == []


async def attributes_by_path(api: Api) -> dict[str, Json]:
    return {attribute["path"]: attribute for attribute in await api.fetch(ATTRIBUTES)}


async def test_paths_have_group_type_and_label(api: Api) -> None:
    found = await attributes_by_path(api)

    described = {
        path: (a["group"], a["type"], a["isArray"], a["label"]) for path, a in found.items()
    }
    assert described["address.postalCode"] == ("PROFILE", "STRING", False, "Address postal code")
    assert described["orders.totalAmount"] == ("ACTIVITY", "NUMBER", False, "Orders total amount")
    assert described["events.page.viewed.lastAt"][:3] == ("ACTIVITY", "DATETIME", False)
    assert described["metadata.since"] == ("METADATA", "DATE", False, "Customer since")
    assert described["metadata.tags"][1:3] == ("STRING", True)
    assert described["metadata.score"][1:3] == ("NUMBER", False)
    assert described["metadata.vip"][1:3] == ("BOOLEAN", False)
    assert described["metadata.store"][1:3] == ("GEOPOINT", False)
    assert described["metadata.contact"][1:3] == ("OBJECT", False)


async def test_just_the_operators_that_are_offered_can_be_used(api: Api) -> None:
    every = {value["name"] for value in (await api.fetch(OPERATORS))["enumValues"]}
    for path, attribute in (await attributes_by_path(api)).items():
        offered = {each["operator"] for each in attribute["operators"]}
        if attribute["group"] == "METADATA" and path != "metadata.since":
            continue
        taken = {name for name in every if await is_operator_applicable(api, path, name)}
        assert offered == taken, path


async def is_operator_applicable(api: Api, path: str, operator: str) -> bool:
    """Returns whether the operator applies to values at the path."""
    condition = {"attribute": {"path": path, "operator": operator}}
    refused = await api.list_errors(PREVIEW, filter=condition)
    return not any(code.startswith("OPERATOR_NOT_APPLICABLE") for code in refused)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"path": "metadata.plan"}, ["free", "Pro", "basic", "pro"]),
        ({"path": "metadata.plan", "prefix": "P"}, ["Pro", "pro"]),
        ({"path": "metadata.plan", "first": 1}, ["free"]),
        ({"path": "metadata.tags"}, ["new", "old"]),
        ({"path": "metadata.tags", "prefix": "o"}, ["old"]),
        ({"path": "metadata.vip"}, [True]),
        ({"path": "metadata.since"}, ["2020-02-29"]),
        ({"path": "birthdate"}, ["1990-05-01", "1990-05-02"]),
        ({"path": "metadata.contact"}, []),
        ({"path": "metadata.contact.by"}, ["mail"]),
        ({"path": "events.page.viewed.count"}, [1]),
        ({"path": "metadata.nothing"}, []),
    ],
    ids=str,
)
async def test_values_come_the_most_frequent_first(api: Api, asked: Json, found: list[Any]) -> None:
    assert await api.fetch(SUGGEST, **asked) == found


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ({"path": "metdata.plan"}, ["UNKNOWN_ATTRIBUTE path"]),
        ({"path": "name", "prefix": "\0"}, ["INVALID_VALUE prefix"]),
        ({"path": "name", "first": 0}, ["BAD_REQUEST"]),
    ],
    ids=str,
)
async def test_what_can_not_be_suggested_is_refused(
    api: Api, asked: Json, refused: list[str]
) -> None:
    answered = [code.strip() for code in await api.list_errors(SUGGEST, **asked)]
    assert answered == refused
