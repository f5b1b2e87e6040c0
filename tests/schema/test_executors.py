"""The examples have the same results with the fast executor and with Strawberry's."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random
from typing import NamedTuple

import pytest
import pytest_asyncio

from app.domain.api_keys import Caller, Role
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.schema import Context, schema
from app.schema.http.graphql_request import GraphQLRequest
from app.schema.http.operations import Operations
from app.services.sample import shop as sample_shop
from tests.api import Api, running_api
from tests.schema.example_operations import NAMES, execute, fill_variables, load_shop, read_query
from tests.schema.random_documents import RandomDocuments

in_one_loop = pytest.mark.asyncio(loop_scope="module")

CUSTOMERS = 300
RANDOM_DOCUMENTS = 150
# What two shops can't have in common: ids and the order of rows by id, secrets, signatures, times,
# cursors, durations, and what threads took.
UNIQUE_TEXT = re.compile(
    r"""[a-z]{3}_[0-9a-f]{24}|customer-\d{4}|whsec_[^"]+|localhost[^"]*|\d{4}-\d\d-\d\dT[^"]+"""
    r"""|"(\w*[cC]ursor|position|transitionsCursor)": "[^"]*\""""
    r"""|"\w*(Seconds|PerSecond)": [0-9.e-]+|\b\d+ s\b|, "extraCost": \d+"""
)


class Shop(NamedTuple):
    api: Api
    ids: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shops(mongod: Mongod, valkey: Valkey) -> AsyncIterator[list[Shop]]:
    """A shop with Strawberry's executor, and one with the fast executor. They have the first
    customers of the sample."""
    async with AsyncExitStack() as exit_stack:
        monkeypatch = exit_stack.enter_context(pytest.MonkeyPatch.context())
        monkeypatch.setattr(sample_shop, "CUSTOMER_COUNT", CUSTOMERS)
        shops = []
        for fast_executor in (False, True):
            api = await exit_stack.enter_async_context(
                running_api(mongod, valkey, fast_executor=fast_executor)
            )
            shops.append(Shop(api, await load_shop(api)))
        yield shops


@in_one_loop
@pytest.mark.parametrize("name", NAMES)
async def test_an_example_has_the_same_result(shops: list[Shop], name: str) -> None:
    stock_result, fast_result = [
        UNIQUE_TEXT.sub(
            "", json.dumps(await execute(api, read_query(name), fill_variables(name, ids)))
        )
        for api, ids in shops
    ]

    assert fast_result == stock_result


@in_one_loop
async def test_random_documents_have_the_same_results(shops: list[Shop]) -> None:
    api, ids = shops[0]
    rule = (await api.services.validation_rules.all())[0].id
    arguments = {
        "Query.customer": 'ref: {sourceId: "customer-0001"}',
        "Query.segment": f'id: "{ids["VIPs"]}"',
        "Query.node": f'id: "{ids["VIPs"]}"',
        "Query.export": f'id: "{ids["an export"]}"',
        "Query.segmentPreview": f'filter: {{segment: {{id: "{ids["VIPs"]}"}}}}',
        "Query.segmentMembership": 'customer: {sourceId: "nobody"}',
        "Query.validate": f'ruleId: "{rule}", customer: {{sourceId: "nobody"}}',
        "Query.filterValueSuggestions": 'path: "name"',
    }
    # They may change between two reads: one is of now, the others take a random sample.
    excluded = frozenset({"Query.engineStatus", "Query.filterAttributes", "Query.exportFields"})
    documents = RandomDocuments(schema._schema, arguments, excluded)
    rng, now = Random(2026), api.services.now()
    executors = [
        Operations(schema, 60, 10**9, uses_fast_executor=uses_fast_executor)
        for uses_fast_executor in (False, True)
    ]

    async def make_context() -> Context:
        return Context(api.services, now, Caller(Role.ADMIN), str)

    for _ in range(RANDOM_DOCUMENTS):
        request = GraphQLRequest(documents.make(rng))
        stock_result, fast_result = [
            json.dumps(await (await operations.prepare(request)).run(make_context), default=str)
            for operations in executors
        ]
        assert fast_result == stock_result, request.query
        assert "errors" not in json.loads(fast_result), request.query
