"""The baseline of the membership benchmark: a bare endpoint that does one `find_one`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(os.environ["MONGODB_URL"])
    app.state.customers = client[os.environ["SEGMENTS_DATABASE"]].customers
    yield
    client.close()


async def _customer(request: Request) -> JSONResponse:
    query = {"sourceId": request.path_params["source_id"]}
    document = await request.app.state.customers.find_one(query)
    return JSONResponse({"isMember": document["metadata"].get("vip") is True})


app = Starlette(routes=[Route("/customers/{source_id}", _customer)], lifespan=_lifespan)
