"""Hostile input: the response names what is wrong, and nothing is half-written."""

import json
from typing import Any

import pytest
import pytest_asyncio

from tests.api import ALL_CUSTOMERS_FILTER, Api, Json, list_errors
from tests.deliveries.distribution_client import DistributionClient
from tests.loyalty_client import LoyaltyClient
from tests.schema.hostile.activity import ACTIVITY_CASES
from tests.schema.hostile.code_pools import CODE_POOL_CASES
from tests.schema.hostile.customers import CUSTOMER_CASES
from tests.schema.hostile.distributions import DISTRIBUTION_CASES
from tests.schema.hostile.filter_import import FILTER_IMPORT_CASES
from tests.schema.hostile.filters import FILTER_CASES
from tests.schema.hostile.loyalty import LOYALTY_CASES
from tests.schema.hostile.queries import QUERY_CASES
from tests.schema.hostile.referrals import REFERRAL_CASES
from tests.schema.hostile.requests import CREATE_SEGMENT, KNOWN_CUSTOMER, segment_named
from tests.schema.hostile.segments import SEGMENT_CASES
from tests.schema.hostile.validation_rules import VALIDATION_RULE_CASES

pytestmark = pytest.mark.asyncio(loop_scope="module")

CASES = (
    FILTER_CASES
    | FILTER_IMPORT_CASES
    | SEGMENT_CASES
    | CUSTOMER_CASES
    | ACTIVITY_CASES
    | QUERY_CASES
    | LOYALTY_CASES
    | CODE_POOL_CASES
    | VALIDATION_RULE_CASES
    | DISTRIBUTION_CASES
    | REFERRAL_CASES
)

# The objects with placeholders have one of these keys. Other objects may be too deep to search.
_KEYS_BESIDE_IDS = {"programId", "segmentId", "tiers", "reward", "points", "codePoolId"}

# Bodies that no client library would send.
BODIES: dict[str, tuple[bytes, str]] = {
    "NaN": (b'{"query": "{ __typename }", "variables": {"a": NaN}}', "BAD_REQUEST"),
    "Infinity": (b'{"query": "{ __typename }", "variables": {"a": -Infinity}}', "BAD_REQUEST"),
    "1e999": (
        b'{"query": "{ __typename }", "variables": {"a": 1e999}}',
        "BAD_REQUEST",
    ),
    "2 to the 63rd": (
        b'{"query": "{ __typename }", "variables": {"a": 9223372036854775808}}',
        "BAD_REQUEST",
    ),
    "a lone surrogate": (
        b'{"query": "{ __typename }", "variables": {"a": "\\ud800"}}',
        "BAD_REQUEST",
    ),
    "a lone surrogate as a key": (
        b'{"query": "{ __typename }", "variables": {"a": {"\\udfff": 1}}}',
        "BAD_REQUEST",
    ),
    "a lone surrogate in the document": (
        b'{"query": "{ customer(ref: {sourceId: \\"\\\\ud800\\"}) { id } }"}',
        "GRAPHQL_PARSE_FAILED",
    ),
    "10,000 levels": (
        b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}}",
        "BAD_REQUEST",
    ),
    "bytes that are no UTF-8": (b'{"query": "\xff"}', "BAD_REQUEST"),
    "too many bytes": (b'{"query": "' + b" " * 17_000_000 + b'"}', "BAD_REQUEST"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def ids_by_placeholder(api: Api) -> dict[str, str]:
    """The ids of existing objects by their placeholders in the cases."""
    await api.upsert("known", email="known@example.com", metadata={"a": 1})
    await api.bulk_upsert("eventsTrack", [{"customer": KNOWN_CUSTOMER, "name": "seen"}])
    await api.services.metadata.define({"key": "word", "type": "STRING"})
    club = LoyaltyClient(api)
    static = await club.create_segment("static", customers=[KNOWN_CUSTOMER])
    payload = await api.fetch(CREATE_SEGMENT, **segment_named("known"))
    used = await club.create_segment("used")
    distribution = await DistributionClient(api).create(used, "https://shop.example/")
    return {
        "{known}": str(payload["segment"]["id"]),
        "{static}": static,
        "{rule}": await create_validation_rule(api),
        "{distribution}": distribution,
        "{pool}": await create_pool(api),
        "{program}": await club.create_program("known"),
    }


async def create_validation_rule(api: Api) -> str:
    wire = {"name": "known", "filter": ALL_CUSTOMERS_FILTER}
    return (await api.services.validation_rules.create(wire, api.services.now().at)).id


async def create_pool(api: Api) -> str:
    """Creates a code pool that has the code "known"."""
    wire = {"name": "known", "codes": ["known"]}
    return (await api.services.code_pools.create(wire, api.services.now().at)).id


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_what_is_refused_is_named_and_changes_nothing(
    api: Api, ids_by_placeholder: dict[str, str], case: tuple[str, Json, str]
) -> None:
    query, variables, expected = case
    before = api.hash_collections()
    answer = await api.execute(
        query, **{key: fill_placeholders(v, ids_by_placeholder) for key, v in variables.items()}
    )
    found = list_errors(answer)
    assert "INTERNAL" not in str(found), answer
    assert ", ".join(found) == expected or (expected == "-" and found), answer
    assert api.hash_collections() == before


def fill_placeholders(value: Any, ids: dict[str, str]) -> Any:
    """Replaces the placeholders of a value by ids."""
    if isinstance(value, list):
        return [fill_placeholders(inner, ids) for inner in value]
    if isinstance(value, dict) and value.keys() & _KEYS_BESIDE_IDS:
        return {key: fill_placeholders(inner, ids) for key, inner in value.items()}
    return ids.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("case", BODIES.values(), ids=BODIES)
async def test_bodies(api: Api, case: tuple[bytes, str]) -> None:
    body, expected = case
    response = await api.http_client.post(
        "/graphql", content=body, headers={"Content-Type": "application/json"}
    )
    assert list_errors(response.json()) == [expected], response.text[:500]


async def test_numbers_of_64_bits_come_back_whole(api: Api) -> None:
    largest = {"a": 2**63 - 1, "b": -(2**63), "c": 2.0**53, "d": -0.0}
    await api.upsert("numbers", metadata=largest)
    given = (await api.fetch_customer("numbers", "metadata"))["metadata"]
    assert json.dumps(given) == json.dumps(largest)


async def test_an_answer_to_a_broken_body_is_json(api: Api) -> None:
    response = await api.http_client.post("/graphql", content=b"{")
    assert response.status_code == 415
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
