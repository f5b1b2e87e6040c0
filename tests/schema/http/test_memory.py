"""A subscription lives for days: nothing may be left of an event that has been told."""

import gc

from starlette.requests import HTTPConnection

from app.schema.http.operations import Operations
from app.schema.http.requests import GraphQLRequest
from tests.schema.http.small import Contexts, schema

_CONNECTION = HTTPConnection({"type": "http"})


async def test_nothing_is_left_of_events(contexts: Contexts) -> None:
    operations = Operations(schema, seconds=10)
    request = GraphQLRequest("subscription { places(to: 3000) { cursor } }")
    number, objects = 0, []

    async for _ in operations.find(request).events(lambda: contexts.make(_CONNECTION, {})):
        number += 1
        if number % 1_000 == 0:
            gc.collect()
            objects.append(len(gc.get_objects()))

    assert objects[2] - objects[1] < 500
