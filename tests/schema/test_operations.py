"""Every example operation is valid, and returns data when it runs on the sample shop."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from graphql import GraphQLSchema, build_schema, parse, validate

from app.schema import schema
from tests.api import Api
from tests.schema.example_operations import (
    FOLDER,
    NAMES,
    execute,
    fill_variables,
    load_shop,
    read_query,
    read_variables,
)

in_one_loop = pytest.mark.asyncio(loop_scope="module")


# The names of commands that read.
READ_COMMANDS = ("find", "aggregate", "count", "distinct")
PROFILE_BYTES = 64 * 1024 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ids(api: Api) -> AsyncIterator[dict[str, str]]:
    """The shop. MongoDB's profiler records all commands meanwhile."""
    api.database.create_collection("system.profile", capped=True, size=PROFILE_BYTES)
    api.database.command("profile", 2)
    yield await load_shop(api)
    api.database.command("profile", 0)
    api.database.drop_collection("system.profile")


@pytest.fixture(scope="module")
def written_schema() -> GraphQLSchema:
    """The schema as clients read it."""
    return build_schema(schema.as_str())


def test_each_has_variables() -> None:
    assert sorted(file.stem for file in FOLDER.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_is_valid_and_called_like_its_file(name: str, written_schema: GraphQLSchema) -> None:
    document = parse(read_query(name))

    assert validate(written_schema, document) == []
    (operation,) = (each.to_dict() for each in document.definitions)
    words = (word.capitalize() for word in name.split("_"))
    assert operation["name"]["value"] == "".join(words)


@in_one_loop
@pytest.mark.parametrize("name", NAMES)
async def test_it_answers(api: Api, ids: dict[str, str], name: str) -> None:
    answer = await execute(api, read_query(name), fill_variables(name, ids))

    assert "errors" not in answer, answer["errors"]
    assert list(empty_paths(answer["data"])) == []


@in_one_loop
async def test_a_visitor_is_judged_by_the_overrides(api: Api, ids: dict[str, str]) -> None:
    name = "check_membership_of_unknown_customer"
    asked = await api.fetch(read_query(name), **json.loads(read_variables(name)))

    member_of = [each["segment"]["name"] for each in asked if each["isMember"]]
    assert "VIPs" in member_of
    assert "VIPs at the opening" not in member_of


@in_one_loop
async def test_each_read_has_a_time_limit(api: Api, ids: dict[str, str]) -> None:
    """Checks what the tests above have read."""
    reads = {
        "appName": "customer-segments",
        "$or": [{f"command.{name}": {"$exists": True}} for name in READ_COMMANDS],
    }
    without_limit = {**reads, "command.maxTimeMS": {"$exists": False}}
    recorded = api.database["system.profile"]

    assert recorded.count_documents(reads) > len(NAMES)
    assert [row["command"] for row in recorded.find(without_limit)] == []


def empty_paths(data: Any, path: str = "") -> Iterator[str]:
    """Yields the paths of a result that are empty, and the user errors."""
    if isinstance(data, dict):
        for key, value in data.items():
            path_ = f"{path}.{key}"
            if key == "userErrors":
                yield from (f"{path_}: {error}" for error in value)
            elif key in OPTIONAL_FIELDS:
                continue
            elif key.endswith("Count") and value == 0:
                yield path_
            else:
                yield from empty_paths(value, path_)
    elif isinstance(data, list) and data:
        for index, value in enumerate(data):
            yield from empty_paths(value, f"{path}.{index}")
    elif data in (None, [], ""):
        yield path


# Fields of a customer, a segment, an order or a code pool that may be empty.
OPTIONAL_FIELDS = {
    *("description", "filterText", "birthdate", "metadata", "properties", "endCursor"),
    *("allowedValues", "problem", "changesAt", "earningRules", "generatingCount", "usedBy"),
    *("rowsTotal", "url", "expiresAt", "finishedAt", "error"),
    # Of a finding in good order.
    "remedy",
    # Fields that are empty without a worker, which counts the segments, too.
    *(
        "lastSize",
        "worker",
        "workers",
        "poisonChange",
        "nextTimerAt",
        "backfillProgress",
        "lastError",
    ),
}
