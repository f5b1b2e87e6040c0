"""The example operations, and a shop in which each of them returns data."""

import json
import re
from pathlib import Path

from app.domain.exports import ExportFormat
from app.services.sample import load
from tests.api import Api, Json
from tests.deliveries.distribution_client import DistributionClient
from tests.loyalty_client import LoyaltyClient
from tests.server import running_server
from tests.websocket_client import open_websocket

FOLDER = Path(__file__).parents[2] / "graphql-schema" / "operations"
NAMES = sorted(file.stem for file in FOLDER.glob("*.graphql"))

# The variables of the examples name the object whose id to put there.
_PLACEHOLDER = re.compile("<the id of (.+)>")


async def load_shop(api: Api) -> dict[str, str]:
    """Loads the sample; returns the ids of its segments by their names, and of what uses them."""
    await load(api.services)
    await api.services.segment_sizes.sample(api.services.now, rest_factor=0)
    segments = list((await api.services.definitions.latest()).segments.values())
    ids = {segment.name: segment.id for segment in segments}
    now = api.services.now()
    export = await api.services.exports.create(segments[0].id, None, ExportFormat.CSV, now)
    ids["an export"] = export.id
    ids |= {rule.name: rule.id for rule in await api.services.validation_rules.all()}
    return ids | await _create_programs_and_earn(LoyaltyClient(api), ids)


async def _create_programs_and_earn(
    club: LoyaltyClient, segments: dict[str, str]
) -> dict[str, str]:
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


def fill_variables(name: str, ids: dict[str, str]) -> Json:
    """Returns the variables of an example, with ids in the place of names."""
    filled: Json = json.loads(_PLACEHOLDER.sub(lambda found: ids[found[1]], read_variables(name)))
    return filled


async def execute(api: Api, query: str, variables: Json) -> Json:
    """Returns the result of an operation, or the first result of a subscription."""
    if "subscription " not in query:
        return await api.execute(query, **variables)
    async with running_server(api.app) as address, open_websocket(address) as client:
        await client.subscribe(query, variables=variables)
        response: Json = (await client.receive())["payload"]
        return response
