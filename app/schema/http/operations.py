"""The execution of operations, shared by HTTP, WebSockets and server-sent events."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, nullcontext
from typing import Any, NamedTuple, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    Executor,
    GraphQLError,
    OperationType,
    create_source_event_stream,
    get_operation_ast,
)
from strawberry import Schema
from strawberry.execution import optimized_is_awaitable

from app.client_disconnect import DisconnectWaiter, await_while_connected
from app.schema.http.document_cache import MAX_REQUEST_ERRORS, DocumentCache
from app.schema.http.error_masking import (
    TIMEOUT_CODE,
    format_execution_errors,
    format_request_error,
)
from app.schema.http.fast_executor import FastExecutor
from app.schema.http.graphql_request import GraphQLRequest
from app.schema.http.input_limits import check_variables
from app.schema.http.large_inputs import LargeInputResolvers, find_large_input_fields
from app.schema.http.operation_cost import REQUEST, VALUES, CostFormula, compute_request_points
from app.schema.http.request_errors import (
    BAD_REQUEST_CODE,
    JSON,
    TOO_COMPLEX_CODE,
    OperationError,
    error_object,
)
from app.schema.http.result_encoding import EncodedResult, encode_result
from app.schema.http.thread_time_meter import ThreadTimeMeter
from app.schema.http.unstarted_coroutines import UnstartedCoroutines
from app.tracing import trace_operation
from app.worker_threads import large_request, run_in_thread

OperationContextFactory = Callable[[], Awaitable[object]]
"""Makes a context. It is called for each operation and for each event of a subscription.

If the context has an attribute `response_extensions` that is not empty, it becomes the `extensions`
of the response.
"""

# To validate a document takes some milliseconds for each thousand characters.
_MAX_NEW_CHARACTERS_ON_LOOP = 1_000
# Smaller ones vary from one response to the next.
_MIN_SHOWN_EXTRA_COST = 1_000
_REMEDIES = {
    VALUES: "request fewer fields or smaller pages",
    REQUEST: "send less at once",
}


class OperationResult(NamedTuple):
    """A result. `cursor` resumes the subscription after it; None if it can't be resumed."""

    result: JSON
    cursor: str | None = None


class Operation:
    """A validated operation with its variables, ready to run."""

    def __init__(
        self,
        executor: Executor[Any],
        cost: int,
        timeout_seconds: float,
        *,
        is_request_large: bool,
        may_result_be_large: bool,
    ) -> None:
        self._executor = executor
        self._timeout_seconds = timeout_seconds
        self._is_request_large = is_request_large
        self._may_result_be_large = may_result_be_large
        self.cost = cost
        self.meter = ThreadTimeMeter(charge=lambda points: None)
        self.type: OperationType = executor.operation.operation

    @property
    def is_subscription(self) -> bool:
        return self.type is OperationType.SUBSCRIPTION

    async def run(
        self,
        make_context: OperationContextFactory,
        wait_for_disconnect: DisconnectWaiter | None = None,
    ) -> JSON:
        """Runs a query or a mutation and returns its result, or a TIMEOUT error.

        The result has the cost in its `extensions`. Raises ClientDisconnected once
        `wait_for_disconnect` returns.
        """
        self._executor.context_value = await make_context()
        with large_request() if self._is_request_large else nullcontext():
            response = await self._execute(self._executor, wait_for_disconnect)
        costs = {"cost": self.cost}
        if self.meter.extra_cost >= _MIN_SHOWN_EXTRA_COST:
            costs["extraCost"] = self.meter.extra_cost
        response["extensions"] = costs | response.get("extensions", {})
        return response

    async def encode(self, result: JSON) -> EncodedResult:
        """Returns a result as JSON text."""
        return await encode_result(result, may_be_large=self._may_result_be_large)

    async def results(
        self, make_context: OperationContextFactory
    ) -> AsyncGenerator[OperationResult]:
        """Yields the results of a subscription, or the one result of another operation.

        Each event has its own result. Raises OperationError if the source of events fails.
        """
        if not self.is_subscription:
            yield OperationResult(await self.run(make_context))
            return
        self._executor.context_value = await make_context()
        source = create_source_event_stream(self._executor)
        if self._executor.is_awaitable(source):
            source = await source
        if isinstance(source, ExecutionResult):
            raise OperationError(422, format_execution_errors(source.errors or ()))
        async with aclosing(cast("AsyncGenerator[object]", source)) as events:
            while True:
                try:
                    event = await anext(events)
                except StopAsyncIteration:
                    return
                except Exception as error:
                    graphql_error = GraphQLError(str(error), original_error=error)
                    raise OperationError(422, format_execution_errors([graphql_error])) from error
                executor = self._executor.build_per_event_executor(event)
                # All events would share this cache, which keeps entries of each until the end.
                executor._relevant_sub_fields = {}
                executor.context_value = await make_context()
                yield OperationResult(await self._execute(executor), getattr(event, "cursor", None))

    async def _execute(
        self, executor: Executor[Any], wait_for_disconnect: DisconnectWaiter | None = None
    ) -> JSON:
        name = executor.operation.name
        with (
            trace_operation(self.type.value, name.value if name else None) as record_errors,
            self.meter.running(),
        ):
            response = await self._execute_untraced(executor, wait_for_disconnect)
            if errors := response.get("errors"):
                record_errors(errors)
        return response

    async def _execute_untraced(
        self, executor: Executor[Any], wait_for_disconnect: DisconnectWaiter | None
    ) -> JSON:
        try:
            with UnstartedCoroutines() as coroutines:
                executor.is_awaitable = coroutines.is_awaitable
                result = await await_while_connected(
                    _execute_operation(executor), wait_for_disconnect, self._timeout_seconds
                )
        except TimeoutError:
            message = f"The operation took longer than {self._timeout_seconds:g} seconds."
            return {"errors": [error_object(message, TIMEOUT_CODE)], "data": None}
        response: JSON = {"data": result.data}
        if result.errors:
            response = {"errors": format_execution_errors(result.errors), **response}
        if extensions := getattr(executor.context_value, "response_extensions", None):
            response["extensions"] = extensions
        return response


async def _execute_operation(executor: Executor[Any]) -> ExecutionResult:
    result: Any = executor.execute_operation()
    if executor.is_awaitable(result):
        result = await result
    return cast("ExecutionResult", result)


class Operations:
    """Prepares the operations of a schema."""

    def __init__(
        self,
        schema: Schema,
        timeout_seconds: float,
        max_cost: int,
        *,
        uses_fast_executor: bool = True,
    ) -> None:
        self._schema = schema._schema
        self._executor_class = (
            FastExecutor if uses_fast_executor else schema.execution_context_class
        )
        self._documents = DocumentCache(self._schema)
        self._timeout_seconds = timeout_seconds
        self._max_cost = max_cost
        self._large_input_fields = find_large_input_fields(self._schema)

    async def prepare(self, request: GraphQLRequest) -> Operation:
        """Returns the operation of a request. Raises OperationError for an invalid one."""
        is_new = len(request.query) > _MAX_NEW_CHARACTERS_ON_LOOP and not self._documents.has(
            request.query
        )
        if request.is_large or is_new:
            return await run_in_thread(self._prepare, request)
        return self._prepare(request)

    def _prepare(self, request: GraphQLRequest) -> Operation:
        document, operations = self._documents.get(request.query)
        if request.is_large:
            self._check_variables(document, request)
        try:
            executor = self._executor_class.build(
                self._schema,
                document,
                raw_variable_values=request.variables,
                operation_name=request.operation_name,
                is_awaitable=cast("Any", optimized_is_awaitable),
                operation_extensions=None,
                max_coercion_errors=MAX_REQUEST_ERRORS,
            )
        except GraphQLError as error:
            executor = [error]
        if isinstance(executor, list):
            raise OperationError(
                422, [format_request_error(error, BAD_REQUEST_CODE) for error in executor]
            )
        if request.is_large:
            executor.middleware_manager = LargeInputResolvers(
                self._large_input_fields, executor.middleware_manager
            )
        name = executor.operation.name
        measured_operation = operations[name.value if name else None]
        cost = self._check_cost(
            measured_operation.cost, executor.variable_values.coerced, request.size_bytes
        )
        return Operation(
            executor,
            cost,
            self._timeout_seconds,
            is_request_large=request.is_large,
            may_result_be_large=measured_operation.may_be_large,
        )

    def _check_variables(self, document: DocumentNode, request: GraphQLRequest) -> None:
        operation = get_operation_ast(document, request.operation_name)
        if operation is not None:
            check_variables(self._schema, document, operation, request.variables or {})

    def _check_cost(
        self, formula: CostFormula, variables: Mapping[str, object], size_bytes: int
    ) -> int:
        """Returns the cost. Raises OperationError if it is too high."""
        request_points = compute_request_points(size_bytes)
        cost = formula.compute(variables) + request_points
        if cost <= self._max_cost:
            return cost
        costs = formula.compute_by_field(variables)
        costs[REQUEST] = request_points
        ((name, points),) = costs.most_common(1)
        remedy = _REMEDIES.get(name, f"request {name} less often, or in smaller pages")
        message = (
            f"The operation could cost {cost:,} points; the limit is {self._max_cost:,}."
            f" {points:,} points are for {name}: {remedy}."
        )
        error = error_object(message, TOO_COMPLEX_CODE)
        error["extensions"]["cost"] = cost
        raise OperationError(422, [error])
