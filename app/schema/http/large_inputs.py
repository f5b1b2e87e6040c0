"""The arguments of large requests are converted in a thread.

Strawberry makes objects of the arguments of a field in the first step of a coroutine, before it
calls the field's method: some 20 microseconds for each object, in one piece. The extension
`LargeInput` makes the coroutine pause there, so that a thread can take this step, and the event
loop the others.
"""

from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from types import coroutine
from typing import Any, NamedTuple

from graphql import GraphQLSchema, MiddlewareManager
from strawberry.extensions import FieldExtension
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from app.worker_threads import is_request_large, run_in_thread

Resolver = Callable[..., Any]


class LargeInput(FieldExtension):
    """For root fields with arguments that may be large."""

    async def resolve_async(
        self, next_: Callable[..., Any], source: Any, info: Any, **arguments: Any
    ) -> Any:
        if is_request_large():
            await _pause()
        return await next_(source, info, **arguments)


class LargeInputResolvers(MiddlewareManager):
    """The resolvers of a large request: those of `others`; for a field with the extension, one that
    takes its first step in a thread."""

    def __init__(self, fields: frozenset[Resolver], others: MiddlewareManager | None) -> None:
        super().__init__()
        self._fields = fields
        self._others = others

    def get_field_resolver(self, field_resolver: Resolver) -> Resolver:
        if field_resolver in self._fields:
            return _begin_in_thread(field_resolver)
        return self._others.get_field_resolver(field_resolver) if self._others else field_resolver


def find_large_input_fields(schema: GraphQLSchema) -> frozenset[Resolver]:
    """Returns the resolvers of the root fields with the extension."""
    return frozenset(
        field.resolve
        for type_ in (schema.query_type, schema.mutation_type)
        if type_ is not None
        for field in type_.fields.values()
        if field.resolve and _has_large_input(field.extensions)
    )


def _has_large_input(extensions: dict[str, Any]) -> bool:
    definition: StrawberryField = extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    return any(isinstance(extension, LargeInput) for extension in definition.extensions)


def _begin_in_thread(resolver: Resolver) -> Resolver:
    async def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        resolution: Coroutine[Any, Any, Any] = resolver(source, info, **arguments)
        try:
            finished = await run_in_thread(_take_first_step, resolution)
            return finished.result if finished else await _finish(resolution)
        finally:
            with suppress(ValueError):
                # If the request was cancelled, the thread may be in the first step still.
                resolution.close()

    return resolve


class _Finished(NamedTuple):
    result: Any


def _take_first_step(resolution: Coroutine[Any, Any, Any]) -> _Finished | None:
    try:
        resolution.send(None)
    except StopIteration as stop:
        return _Finished(stop.value)
    return None


@coroutine
def _pause() -> Generator[None]:
    yield


@coroutine
def _finish(resolution: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Awaits a coroutine that has begun, which `await` does not allow."""
    proceed: Callable[[Any], Any] = resolution.send
    argument: Any = None
    while True:
        try:
            awaited = proceed(argument)
        except StopIteration as stop:
            return stop.value
        try:
            argument = yield awaited
            proceed = resolution.send
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - it goes where it was raised
            proceed, argument = resolution.throw, error
