"""One operation, from the request to its answer: what HTTP and the socket have in common."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, NamedTuple, cast

from graphql import (
    ExecutionResult,
    Executor,
    GraphQLError,
    OperationType,
    create_source_event_stream,
)
from strawberry import Schema
from strawberry.execution import optimized_is_awaitable

from app.schema.http.answer_size import MOST_VALUES, answer_size
from app.schema.http.documents import MAX_ERRORS, Documents
from app.schema.http.masking import TIMEOUT, answered, shown
from app.schema.http.refusals import BAD_REQUEST, JSON, TOO_COMPLEX, OperationRefused, error
from app.schema.http.requests import GraphQLRequest

Context = Callable[[], Awaitable[object]]
"""Makes the context, afresh for each operation and each event of a subscription."""

Gone = Callable[[], Awaitable[None]]
"""Returns once the client has gone."""

UNWATCHED_SECONDS = 0.05


class ClientGone(Exception):
    """Nobody waits for the answer any more; the operation was cancelled."""


class Event(NamedTuple):
    """What an operation tells; of a subscription whose source can go on after it, the cursor to go
    on from."""

    answer: JSON
    cursor: str | None = None


class Operation:
    """What a request means: a document that fits the schema, an operation in it, its variables."""

    def __init__(self, executor: Executor[Any], seconds: float) -> None:
        self._executor = executor
        self._seconds = seconds
        self.type: OperationType = executor.operation.operation

    async def run(self, context: Context, gone: Gone | None = None) -> JSON:
        """The answer, within the seconds allowed; cancelled once `gone` says that nobody waits."""
        self._executor.context_value = await context()
        return await self._answer(self._executor, gone)

    async def events(self, context: Context) -> AsyncGenerator[Event]:
        """Those of a subscription, each answered by itself; refused where its source breaks. Of any
        other operation its one answer."""
        if self.type is not OperationType.SUBSCRIPTION:
            yield Event(await self.run(context))
            return
        self._executor.context_value = await context()
        source = create_source_event_stream(self._executor)
        if self._executor.is_awaitable(source):
            source = await source
        if isinstance(source, ExecutionResult):
            raise OperationRefused(422, answered(source.errors or ()))
        async with aclosing(cast("AsyncGenerator[object]", source)) as events:
            while True:
                try:
                    event = await anext(events)
                except StopAsyncIteration:
                    return
                except Exception as failure:
                    problem = GraphQLError(str(failure), original_error=failure)
                    raise OperationRefused(422, answered([problem])) from failure
                executor = self._executor.build_per_event_executor(event)
                # Else all events share it, and what it keeps of each is never let go.
                executor._relevant_sub_fields = {}
                executor.context_value = await context()
                yield Event(await self._answer(executor), getattr(event, "cursor", None))

    async def _answer(self, executor: Executor[Any], gone: Gone | None = None) -> JSON:
        result: Any = executor.execute_operation()
        if executor.is_awaitable(result):
            try:
                async with asyncio.timeout(self._seconds) as deadline:
                    result = await _unless(gone, deadline, result)
            except TimeoutError:
                message = f"The operation took longer than {self._seconds:g} seconds."
                return {"errors": [error(message, TIMEOUT)], "data": None}
        if result.errors:
            return {"errors": answered(result.errors), "data": result.data}
        return {"data": result.data}


async def _unless(gone: Gone | None, deadline: asyncio.Timeout, result: Awaitable[Any]) -> Any:
    """The result, or the deadline at once when the client goes."""
    if gone is None:
        return await result

    async def watch() -> None:
        await gone()
        deadline.reschedule(loop.time())

    # Most operations are over before it pays to watch.
    loop = asyncio.get_running_loop()
    watching: list[asyncio.Task[None]] = []
    timer = loop.call_later(UNWATCHED_SECONDS, lambda: watching.append(loop.create_task(watch())))
    try:
        return await result
    except asyncio.CancelledError:
        if any(task.done() for task in watching):
            raise ClientGone from None
        raise
    finally:
        timer.cancel()
        for task in watching:
            task.cancel()


class Operations:
    """The operations that a schema offers."""

    def __init__(self, schema: Schema, seconds: float) -> None:
        self._schema = schema._schema
        self._executor = schema.execution_context_class
        self._documents = Documents(self._schema)
        self._seconds = seconds

    def find(self, request: GraphQLRequest) -> Operation:
        """The operation that the request means; what is no GraphQL or doesn't fit is refused."""
        document, may_be_too_large = self._documents.get(request.query)
        try:
            executor = self._executor.build(
                self._schema,
                document,
                raw_variable_values=request.variables,
                operation_name=request.operation_name,
                is_awaitable=cast("Any", optimized_is_awaitable),
                operation_extensions=None,
                max_coercion_errors=MAX_ERRORS,
            )
        except GraphQLError as problem:
            executor = [problem]
        if isinstance(executor, list):
            raise OperationRefused(422, [shown(problem, BAD_REQUEST) for problem in executor])
        if may_be_too_large:
            self._check_size(executor)
        return Operation(executor, self._seconds)

    def _check_size(self, executor: Executor[Any]) -> None:
        size = answer_size(
            self._schema,
            executor.operation,
            executor.fragment_definitions,
            executor.variable_values.coerced,
        )
        if size > MOST_VALUES:
            message = (
                f"The answer could hold more than {MOST_VALUES:,} values: ask for less at once."
            )
            raise OperationRefused(422, [error(message, TOO_COMPLEX)])
