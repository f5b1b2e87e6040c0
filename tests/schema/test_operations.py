"""Every example operation is valid, and returns data when it runs on the sample shop."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from graphql import build_schema, parse, validate

from app.domain.exports import ExportFormat
from app.schema import schema
from app.services.sample import load
from tests.api import Api, Json
from tests.deliveries.distribution_client import DistributionClient
from tests.loyalty_client import LoyaltyClient
from tests.server import running_server
from tests.websocket_client import open_websocket

in_one_loop = pytest.mark.asyncio(loop_scope="module")

FOLDER = Path(__file__).parents[2] / "graphql-schema" / "operations"
NAMES = sorted(file.stem for file in FOLDER.glob("*.graphql"))

# The variables of the examples name the object whose id to put there.
PLACEHOLDER = re.compile("<the id of (.+)>")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ids(api: Api) -> dict[str, str]:
    """The ids of the sample's segments by their names, and of what uses them."""
    await load(api.services)
    await api.services.segment_sizes.sample(api.services.now, rest_factor=0)
    segments = await api.services.segments.page(None, None, None, 100)
    ids = {segment.name: segment.id for segment in segments}
    now = api.services.now()
    export = await api.services.exports.create(segments[0].id, None, ExportFormat.CSV, now)
    ids["an export"] = export.id
    ids |= {rule.name: rule.id for rule in await api.services.validation_rules.all()}
    return ids | await create_programs_and_earn(LoyaltyClient(api), ids)


async def create_programs_and_earn(club: LoyaltyClient, segments: dict[str, str]) -> dict[str, str]:
    """A shop that has run for a while: programs, rules, and customers who entered segments."""
    programs = {
        name: await club.create_program(name) for name in ("Bonus club", "Last year's club")
    }
    segment = segments["Bought three times this quarter"]
    rules = {
        name: await club.create_rule(programs["Bonus club"], segment_id, name=name)
        for name, segment_id in (
            ("Welcome", segment),
            ("Last year's welcome", segments["Readers who do not buy"]),
        )
    }
    url = "https://shop.example.com/webhooks"
    thanks = await DistributionClient(club.api).create(segment, url, name="Thanks")
    segment_ = await club.api.services.segments.get(segment)
    assert segment_ is not None
    now = club.api.services.now()
    (members,) = await club.api.services.segment_members.pages([segment_], None, 20, now)
    assert isinstance(members, list)
    source_ids = [member.source_id for member in members]
    await club.append_entered(segment, *source_ids, at=now.at)
    await club.run_consumers()
    return programs | rules | {"Thanks": thanks}


def read_query(name: str) -> str:
    return (FOLDER / f"{name}.graphql").read_text("utf-8")


def read_variables(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text("utf-8")


def test_each_has_variables() -> None:
    assert sorted(file.stem for file in FOLDER.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_is_valid_and_called_like_its_file(name: str) -> None:
    document = parse(read_query(name))

    assert validate(build_schema(schema.as_str()), document) == []
    (operation,) = (each.to_dict() for each in document.definitions)
    words = (word.capitalize() for word in name.split("_"))
    assert operation["name"]["value"] == "".join(words)


@in_one_loop
@pytest.mark.parametrize("name", NAMES)
async def test_it_answers(api: Api, ids: dict[str, str], name: str) -> None:
    filled = PLACEHOLDER.sub(lambda found: ids[found[1]], read_variables(name))

    answer = await execute(api, read_query(name), json.loads(filled))

    assert "errors" not in answer, answer["errors"]
    assert list(empty_paths(answer["data"])) == []


async def execute(api: Api, query: str, variables: Json) -> Json:
    """Returns the result of an operation, or the first result of a subscription."""
    if "subscription " not in query:
        return await api.execute(query, **variables)
    async with running_server(api.app) as address, open_websocket(address) as client:
        await client.subscribe(query, variables=variables)
        response: Json = (await client.receive())["payload"]
        return response


@in_one_loop
async def test_a_visitor_is_judged_by_the_overrides(api: Api, ids: dict[str, str]) -> None:
    name = "check_membership_of_unknown_customer"
    asked = await api.fetch(read_query(name), **json.loads(read_variables(name)))

    member_of = [each["segment"]["name"] for each in asked if each["isMember"]]
    assert "VIPs" in member_of
    assert "VIPs at the opening" not in member_of


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
    # Fields that are empty without a worker.
    *("worker", "workers", "poisonChange", "nextTimerAt", "backfillProgress", "lastError"),
}
