"""The program with keys, on a server of another origin than the page that uses it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from app.domain.api_keys import Role
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.access.conftest import KeyedApi
from tests.api import running_api
from tests.loyalty_client import CURSOR_QUERY, LoyaltyClient
from tests.server import running_server

SEGMENT_NAME = "Everybody"
TRANSITIONS = [["ENTERED", "ann"], ["ENTERED", "bob"], ["LEFT", "ann"]]


@dataclass(frozen=True)
class LibraryTarget:
    """A running API, and what a library needs to use it."""

    address: str
    key: str
    segment_id: str
    cursor: str

    @property
    def url(self) -> str:
        return f"http://{self.address}/graphql"

    @property
    def socket_url(self) -> str:
        return f"ws://{self.address}/graphql"

    def to_json(self) -> str:
        """Returns the options of tests/clients/libraries.mjs."""
        options: dict[str, Any] = {
            "url": self.url,
            "socketUrl": self.socket_url,
            "key": self.key,
            "segmentId": self.segment_id,
            "after": self.cursor,
            "transitionCount": len(TRANSITIONS),
        }
        return json.dumps(options)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page_origin(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[str, Path]]:
    """The origin of a page, and the folder that it is served from."""
    folder = tmp_path_factory.mktemp("page")
    async with running_server(
        Starlette(routes=[Mount("/", StaticFiles(directory=folder))])
    ) as address:
        yield f"http://{address}", folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(
    mongod: Mongod, valkey: Valkey, page_origin: tuple[str, Path]
) -> AsyncIterator[LibraryTarget]:
    """The API with a segment whose transitions follow the cursor. It allows the page's origin."""
    async with (
        running_api(mongod, valkey, auth="keys", allowed_origins=(page_origin[0],)) as api,
        running_server(api.app) as address,
    ):
        key, _ = await KeyedApi(api).create_key(Role.WRITE)
        api.http_client.headers["Authorization"] = f"Bearer {key}"
        cursor = await api.fetch(CURSOR_QUERY)
        shop = LoyaltyClient(api)
        segment_id = await shop.create_segment(SEGMENT_NAME)
        for source_id in ("ann", "bob"):
            await api.upsert(source_id)
        await shop.append_entered(segment_id, "ann", "bob")
        await shop.append_left(segment_id, "ann")
        yield LibraryTarget(address, key, segment_id, cursor)
