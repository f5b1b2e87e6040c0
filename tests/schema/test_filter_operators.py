"""What filter editors learn about operators and paths: each operator once, and allowed values."""

from typing import Any

import pytest
import pytest_asyncio

from tests.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPERATORS = "{ filterOperators { operator label takes operand takesIgnoreCase negates } }"
ATTRIBUTES = "{ filterAttributes { path allowedValues operatorNames operators { operator } } }"
OPERATOR_NAMES = '{ __type(name: "Operator") { enumValues { name } } }'
OPERAND_KINDS = '{ __type(name: "OperandKind") { enumValues { name } } }'
PREVIEW = "query($filter: FilterInput!) { segmentPreview(filter: $filter) { memberCount } }"
DEFINE = """mutation($input: MetadataDefinitionInput!) {
  metadataDefinitionSet(input: $input) { userErrors { message } }
}"""

# By operand kind, a value that a filter editor could start with. The other kinds are one value, or
# a list of this length, of the type of the path.
VALUES: Json = {
    "NOTHING": None,
    "NON_EMPTY_TEXT": "a",
    "NUMBER": 1.5,
    "INTEGER": -1,
    "MOMENT": "2026-03-29",
    "DURATION": "P30D",
    "CALENDAR_DAY": "2026-03-29",
    "DAYS": 3,
    "PERIOD": "THIS_WEEK",
    "YEARS": [18, None],
    "CIRCLE": {"lat": 52.2, "lon": 21.0, "meters": 500},
}
LIST_LENGTHS = {"LIST": 1, "ELEMENTS": 1, "RANGE": 2}
ELEMENTS_BY_PATH: Json = {
    "name": "a",
    "orders.totalCount": 1,
    "metadata.since": "2026-03-29",
    "metadata.tags": "new",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def define_metadata(api: Api) -> None:
    definitions: list[Json] = [
        {"key": "since", "type": "DATE", "allowedValues": ["2026-03-29", "2026-03-30"]},
        {"key": "tags", "type": "STRING", "isArray": True, "allowedValues": ["new", "old"]},
        {"key": "store", "type": "GEOPOINT"},
        {"key": "plan", "type": "STRING", "allowedValues": ["free"]},
    ]
    for definition in definitions:
        assert (await api.fetch(DEFINE, input=definition))["userErrors"] == []
        if definition["key"] != "plan":
            await api.services.metadata.convert(definition["key"])


async def test_every_operator_is_listed_once(api: Api) -> None:
    names = [value["name"] for value in (await api.fetch(OPERATOR_NAMES))["enumValues"]]
    operators = await api.fetch(OPERATORS)

    assert [operator["operator"] for operator in operators] == names
    assert {operator["operand"] for operator in operators} == {
        value["name"] for value in (await api.fetch(OPERAND_KINDS))["enumValues"]
    }
    negations = {
        operator["operator"]: operator["negates"] for operator in operators if operator["negates"]
    }
    assert negations == {
        "IS_NOT": "IS",
        "NOT_IN": "IN",
        "HAS_NO_VALUE": "HAS_VALUE",
        "NOT_CONTAINS": "CONTAINS",
        "CONTAINS_NONE": "CONTAINS_ANY",
        "NOT_WITHIN_RADIUS": "WITHIN_RADIUS",
    }


async def test_an_operator_takes_a_value_of_its_operand_kind(api: Api) -> None:
    paths = await paths_by_operator(api)
    for operator in await api.fetch(OPERATORS):
        path = paths[operator["operator"]]
        value = start_value(operator["operand"], path)

        condition = {"path": path, "operator": operator["operator"], "value": value}
        assert await refusals(api, condition) == [], condition
        wrong = {**condition, "value": {"none": "of these"}}
        assert "INVALID_VALUE" in (await refusals(api, wrong))[0], wrong


async def test_an_operator_takes_ignore_case_if_it_says_so(api: Api) -> None:
    paths = await paths_by_operator(api)
    for operator in await api.fetch(OPERATORS):
        path = paths[operator["operator"]]
        condition = {
            "path": path,
            "operator": operator["operator"],
            "value": start_value(operator["operand"], path),
            "ignoreCase": True,
        }
        refused = await refusals(api, condition)
        assert (refused == []) is operator["takesIgnoreCase"], (condition, refused)


async def test_an_attribute_names_its_operators(api: Api) -> None:
    for attribute in await api.fetch(ATTRIBUTES):
        names = [operator["operator"] for operator in attribute["operators"]]
        assert attribute["operatorNames"] == names, attribute["path"]


async def test_allowed_values_are_those_of_a_ready_definition(api: Api) -> None:
    allowed = {a["path"]: a["allowedValues"] for a in await api.fetch(ATTRIBUTES)}

    assert {path: values for path, values in allowed.items() if values is not None} == {
        "metadata.since": ["2026-03-29", "2026-03-30"],
        "metadata.tags": ["new", "old"],
    }


async def paths_by_operator(api: Api) -> dict[str, str]:
    """Returns, by operator, a path that it applies to."""
    names = {a["path"]: a["operatorNames"] for a in await api.fetch(ATTRIBUTES)}
    paths = [*ELEMENTS_BY_PATH, "metadata.store"]
    return {name: path for path in reversed(paths) for name in names[path]}


def start_value(operand: str, path: str) -> Any:
    """Returns a value of the operand kind for a condition on the path."""
    if operand in VALUES:
        return VALUES[operand]
    element = ELEMENTS_BY_PATH[path]
    return element if operand == "ONE_VALUE" else [element] * LIST_LENGTHS[operand]


async def refusals(api: Api, condition: Json) -> list[str]:
    """Returns the errors of a filter with this condition."""
    condition = {key: value for key, value in condition.items() if value is not None}
    return await api.list_errors(PREVIEW, filter={"attribute": condition})
