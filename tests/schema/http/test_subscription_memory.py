"""A subscription that runs for days keeps no event in memory after sending it."""

import gc

from app.schema.http.graphql_request import GraphQLRequest
from app.schema.http.operations import Operations
from tests.schema.http.fruit_schema import ContextFactory, Session, schema


async def test_nothing_is_left_of_events(context_factory: ContextFactory) -> None:
    operations = Operations(schema, 10, 200_000)
    request = GraphQLRequest("subscription { places(to: 3000) { cursor } }")
    number, objects = 0, []

    operation = await operations.prepare(request)
    async for _ in operation.results(Session(context_factory, {}).make_context):
        number += 1
        if number % 1_000 == 0:
            gc.collect()
            objects.append(len(gc.get_objects()))

    assert objects[2] - objects[1] < 500
