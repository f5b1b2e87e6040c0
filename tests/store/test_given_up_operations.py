"""An operation that takes too long, or whose client leaves, leaves nothing running in MongoDB a
second later."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from time import monotonic
from typing import NamedTuple

import httpx
import pytest
import pytest_asyncio

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import Api, Json, running_api
from tests.exports.stored_file import download_path, store_file
from tests.failpoints import failing_commands
from tests.patience import until
from tests.server import running_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

READ_COMMANDS = ("find", "aggregate", "count", "distinct")
BLOCK_MILLISECONDS = 20_000
MAX_SECONDS = 5.0
OPERATION_SECONDS = 0.4


class Operation(NamedTuple):
    collection: str
    """The collection whose reads are blocked."""
    query: str
    commands: tuple[str, ...] = READ_COMMANDS
    """The reads to block. The program itself reads the counters by `find`."""


HAS_NAME = '{attribute: {path: "name", operator: HAS_VALUE}}'
OPERATIONS = {
    "a customer": Operation("customers", '{ customer(ref: {sourceId: "ann"}) { id } }'),
    "a list": Operation("customers", "{ customers(first: 2) { nodes { id } } }"),
    "a list by filter": Operation(
        "customers", f"{{ customers(filter: {HAS_NAME}) {{ nodes {{ id }} }} }}"
    ),
    "a search": Operation("customers", '{ customers(search: "ann") { nodes { id } } }'),
    "a preview": Operation(
        "customers", f"{{ segmentPreview(filter: {HAS_NAME}) {{ size {{ memberCount }} }} }}"
    ),
    "a sample": Operation(
        "customers", f"{{ segmentPreview(filter: {HAS_NAME}) {{ sample {{ id }} }} }}"
    ),
    "a membership": Operation(
        "counters",
        '{ segmentMembership(customer: {sourceId: "ann"}) { isMember } }',
        ("aggregate",),
    ),
    "a mutation": Operation(
        "customers", 'mutation { customerUpsert(input: {sourceId: "ann"}) { customer { id } } }'
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def insert_customer(api: Api) -> None:
    await api.upsert("ann", name="Ann")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hasty_api(failing_mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    """The program with a short time for each operation."""
    async with running_api(failing_mongod, valkey, operation_seconds=OPERATION_SECONDS) as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(api: Api) -> AsyncIterator[str]:
    async with running_server(api.app) as address:
        yield address


@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_operation_that_takes_too_long_ends(hasty_api: Api, name: str) -> None:
    operation = OPERATIONS[name]
    with blocking_reads(hasty_api, operation):
        response = await hasty_api.execute(operation.query)
        ended_at = monotonic()
        assert response["errors"][0]["extensions"]["code"] == "TIMEOUT"
        await until(lambda: count_running(hasty_api, operation) == 0)
        assert monotonic() - ended_at < MAX_SECONDS


@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_operation_whose_client_leaves_ends(api: Api, address: str, name: str) -> None:
    operation = OPERATIONS[name]
    url, body = f"http://{address}/graphql", {"query": operation.query}
    await assert_ends_when_client_leaves(api, operation, httpx.Request("POST", url, json=body))


@pytest.mark.parametrize("collection", ["exportFiles.files", "exportFiles.chunks"])
async def test_a_download_whose_client_leaves_ends(api: Api, address: str, collection: str) -> None:
    path = download_path(api, await store_file(api.services.store, b"ann\r\n"))
    request = httpx.Request("GET", f"http://{address}{path}")
    await assert_ends_when_client_leaves(api, Operation(collection, ""), request)


async def assert_ends_when_client_leaves(
    api: Api, operation: Operation, request: httpx.Request
) -> None:
    with blocking_reads(api, operation):
        async with httpx.AsyncClient() as client:
            task = asyncio.create_task(client.send(request))
            await until(lambda: count_running(api, operation) > 0)
            task.cancel()
            await asyncio.wait([task])
        left_at = monotonic()
        await until(lambda: count_running(api, operation) == 0)
        assert monotonic() - left_at < MAX_SECONDS


def blocking_reads(api: Api, operation: Operation) -> AbstractContextManager[None]:
    return failing_commands(
        api.database,
        *operation.commands,
        mode="alwaysOn",
        blockConnection=True,
        blockTimeMS=BLOCK_MILLISECONDS,
        namespace=f"{api.database.name}.{operation.collection}",
    )


def count_running(api: Api, operation: Operation) -> int:
    """Returns how many of the reads MongoDB runs."""
    reads = [{f"command.{name}": operation.collection} for name in operation.commands]
    stages: list[Json] = [
        {"$currentOp": {}},
        {"$match": {"command.$db": api.database.name, "active": True, "$or": reads}},
    ]
    return len(list(api.database.client.admin.aggregate(stages)))
