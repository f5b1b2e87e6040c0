"""The baseline of the benchmark of lists: plain Starlette with the same bytes.

RESULTS names a JSON file with a result by name. /NAME reads the documents that the result is made
of, with one Motor query, and responds with the result. /bytes/NAME responds without reading.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(os.environ["MONGODB_URL"])
    app.state.database = client[os.environ["SEGMENTS_DATABASE"]]
    app.state.results = json.loads(Path(os.environ["RESULTS"]).read_text())  # noqa: ASYNC240
    yield
    client.close()


async def _customers(request: Request) -> JSONResponse:
    return await _respond_with_rows(request, "customers", 100)


async def _segments(request: Request) -> JSONResponse:
    return await _respond_with_rows(request, "segments", 50)


async def _respond_with_rows(request: Request, name: str, limit: int) -> JSONResponse:
    cursor = request.app.state.database[name].find().sort("_id", 1).limit(limit)
    await cursor.to_list(None)
    return JSONResponse(request.app.state.results[name])


async def _customer(request: Request) -> JSONResponse:
    await request.app.state.database.customers.find_one({"sourceId": "c7"})
    return JSONResponse(request.app.state.results["customer"])


async def _bytes(request: Request) -> JSONResponse:
    return JSONResponse(request.app.state.results[request.path_params["name"]])


async def _healthz(_: Request) -> JSONResponse:
    return JSONResponse("ok")


app = Starlette(
    routes=[
        Route("/customers", _customers),
        Route("/segments", _segments),
        Route("/customer", _customer),
        Route("/bytes/{name}", _bytes),
        Route("/healthz", _healthz),
    ],
    lifespan=_lifespan,
)
