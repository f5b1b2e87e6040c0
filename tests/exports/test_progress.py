"""The subscription `exportProgress`, over a WebSocket."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from app.domain.exports import Export, ExportStatus
from app.services.exports.export_feed import ExportFeed
from app.store import ThreadPool
from tests.api import Json
from tests.busy_threads import busy_threads
from tests.engine.conftest import wait_until
from tests.exports.export_shop import ExportShop
from tests.server import running_server
from tests.websocket_client import WebSocketClient, open_websocket

_PROGRESS = "subscription($id: ID!) { exportProgress(id: $id) { status rowsDone rowsTotal error } }"


@pytest_asyncio.fixture
async def client(shop: ExportShop) -> AsyncIterator[WebSocketClient]:
    async with running_server(shop.api.app) as address, open_websocket(address) as client:
        yield client


async def follow(client: WebSocketClient, export_id: str, id_: str = "1") -> None:
    await client.subscribe(_PROGRESS, id_, variables={"id": export_id})


async def receive(client: WebSocketClient) -> Json:
    message = await client.receive()
    assert message["type"] == "next", message
    export: Json = message["payload"]["data"]["exportProgress"]
    return export


async def test_each_advance_is_sent_until_the_end(
    shop: ExportShop, client: WebSocketClient
) -> None:
    shop.insert_customers(1_500)
    export_id = await shop.start(await shop.create_segment("everyone"))

    def state(status: str, done: int, total: int | None) -> Json:
        return {"status": status, "rowsDone": done, "rowsTotal": total, "error": None}

    await follow(client, export_id)
    assert await receive(client) == state("SCHEDULED", 0, None)
    await shop.write_batch()
    # The rows may be counted before the first of them are written.
    while (export := await receive(client)) == state("SCHEDULED", 0, 1_500):
        pass
    assert export == state("IN_PROGRESS", 1_000, 1_500)
    await shop.write_pending()
    assert await receive(client) == state("DONE", 1_500, 1_500)
    assert (await client.receive())["type"] == "complete"

    await follow(client, export_id, "again")
    assert await receive(client) == state("DONE", 1_500, 1_500)
    assert (await client.receive())["type"] == "complete"
    assert shop.api.services.export_feed.watched_count == 0


async def test_the_last_sample_replaces_a_count_that_takes_long(shop: ExportShop) -> None:
    shop.insert_customers(1_500)
    segment_id = await shop.create_segment("everyone")
    services, segments = shop.api.services, shop.api.database.segments
    await services.segment_sizes.sample(services.now, rest_factor=0)
    segments.update_one({}, {"$set": {"lastSize.memberCount": 1_234}})

    async def begin_export() -> Json:
        export_id = await shop.start(segment_id)
        async with busy_threads(ThreadPool.POPULATION_QUERIES):
            await shop.run_worker_briefly()
        export = await shop.fetch(export_id)
        assert (export["status"], export["rowsDone"]) == ("IN_PROGRESS", 1_000)
        await shop.cancel(export_id)
        return export

    assert (await begin_export())["rowsTotal"] == 1_234
    update = 'mutation($id: ID!) { segmentUpdate(id: $id, input: {name: "all"}) { __typename } }'
    await shop.api.fetch(update, id=segment_id)
    assert (await begin_export())["rowsTotal"] is None


async def test_canceling_ends_it(shop: ExportShop, client: WebSocketClient) -> None:
    export_id = await shop.start(await shop.create_segment("everyone"))
    await follow(client, export_id)
    await receive(client)

    await shop.cancel(export_id)

    assert (await receive(client))["status"] == "CANCELED"
    assert (await client.receive())["type"] == "complete"


async def test_an_unknown_export_is_an_error(client: WebSocketClient) -> None:
    await follow(client, "exp_0123456789abcdef01234567")

    message: Any = await client.receive()
    while message["type"] == "next":
        ((error,), _) = (message["payload"]["errors"], await client.receive())
        assert error["extensions"]["code"] == "NOT_FOUND"
        return
    assert message["payload"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_client_that_leaves_is_forgotten(shop: ExportShop, client: WebSocketClient) -> None:
    export_id = await shop.start(await shop.create_segment("everyone"))
    for id_ in ("1", "2"):
        await follow(client, export_id, id_)
        await receive(client)
    feed = shop.api.services.export_feed
    assert feed.watched_count == 1

    await client.send({"id": "1", "type": "complete"})
    await client.send({"id": "2", "type": "complete"})

    async def is_forgotten() -> bool:
        return feed.watched_count == 0

    await wait_until(is_forgotten)


async def test_a_subscription_that_begins_during_a_read_goes_on(shop: ExportShop) -> None:
    store, segment_id = shop.api.services.store, await shop.create_segment("everyone")
    feed = ExportFeed(store)

    async def start_export() -> Export:
        export_id = await shop.start(segment_id)
        return (await store.exports.get_many([export_id]))[export_id]

    early, late = feed.follow(await start_export()), feed.follow(await start_export())
    await anext(early)
    reading = asyncio.create_task(feed._read())
    await asyncio.sleep(0)
    assert (await anext(late)).status is ExportStatus.SCHEDULED
    advance = asyncio.ensure_future(anext(late))
    await reading

    await shop.write_pending()
    await feed._read()
    assert (await advance).status is ExportStatus.DONE
    assert (await anext(early)).status is ExportStatus.DONE
    await early.aclose()
    await late.aclose()
