"""A converted Voucherify filter, with this project's definitions, makes a segment."""

import pytest
import pytest_asyncio

from tests.api import Api, Json
from tests.schema.hostile.filter_import import CONVERT_FILTER

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILTER_TEXT_QUERY = "query($filter: JSON!) { filterFromVoucherify(filter: $filter) { filterText } }"
CREATE = """mutation($input: SegmentCreateInput!) {
  segmentCreate(input: $input) { segment { id filter filterText memberCount } }
}"""
DEFINE = """mutation($input: MetadataDefinitionInput!) {
  metadataDefinitionSet(input: $input) { userErrors { message } }
}"""
VOUCHERIFY_FILTER = {
    "junction": "and",
    "metadata.since": {"conditions": {"$more_than": ["365"]}},
    "metadata.vip": {"conditions": {"$is": ["true"]}},
    "events.newsletter.opened.count": {"conditions": {"$more_than_equal": ["1"]}},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def insert_customers(api: Api) -> None:
    """Two defined keys, one customer who matches the filter, and one who was just created."""
    for definition in ({"key": "since", "type": "DATE"}, {"key": "vip", "type": "BOOLEAN"}):
        assert (await api.fetch(DEFINE, input=definition))["userErrors"] == []
        await api.services.metadata.convert(definition["key"])
    today = api.services.now().at.date().isoformat()
    for source_id, since in (("old", "2020-02-29"), ("new", today)):
        await api.upsert(source_id, metadata={"since": since, "vip": True})
    customers = [{"sourceId": "old"}, {"sourceId": "new"}]
    await api.bulk_upsert(
        "eventsTrack", [{"customer": ref, "name": "newsletter.opened"} for ref in customers]
    )


async def test_it_makes_a_segment(api: Api) -> None:
    converted = await api.fetch(CONVERT_FILTER, filter=VOUCHERIFY_FILTER)
    assert converted["userErrors"] == []
    definition = {"filter": converted["filter"]}
    made = await api.fetch(CREATE, input={"name": "moved", "definition": definition})
    assert made["segment"]["filter"] == converted["filter"]
    assert made["segment"]["memberCount"] == 1
    words = "metadata.since is more than 365 days ago and metadata.vip is true"
    assert made["segment"]["filterText"].startswith(words)
    assert (await api.fetch(FILTER_TEXT_QUERY, filter=VOUCHERIFY_FILTER))["filterText"] == made[
        "segment"
    ]["filterText"]


async def test_what_has_no_counterpart_is_named_and_nothing_given(api: Api) -> None:
    theirs: Json = {
        **VOUCHERIFY_FILTER,
        "loyalty_tier.campaigns.Club": {"conditions": {"$is": ["Gold"]}},
        "metadata.since": {"conditions": {"$is_day": [1], "$contains": ["x"]}},
    }
    converted = await api.fetch(CONVERT_FILTER, filter=theirs)
    assert converted["filter"] is None
    assert [(e["code"], e["path"]) for e in converted["userErrors"]] == [
        ("OPERATOR_NOT_APPLICABLE", ["filter", "metadata.since", "conditions", "$is_day"]),
        ("OPERATOR_NOT_APPLICABLE", ["filter", "metadata.since", "conditions", "$contains"]),
        ("UNKNOWN_ATTRIBUTE", ["filter", "loyalty_tier.campaigns.Club"]),
    ]
    assert all(error["message"] for error in converted["userErrors"])
