"""Closes the coroutines that a cancelled execution did not start."""

from collections.abc import Awaitable
from inspect import CORO_CREATED, getcoroutinestate
from types import CoroutineType, TracebackType
from typing import Any, Self, TypeGuard

from strawberry.execution import optimized_is_awaitable


class UnstartedCoroutines:
    """Remembers the coroutines of an execution, and closes them if it raises or is cancelled.

    An execution makes the coroutines of the fields of an object before it awaits the first. Python
    would warn of each that was never awaited.
    """

    def __init__(self) -> None:
        self._coroutines: list[CoroutineType[Any, Any, Any]] = []

    def is_awaitable(self, value: object) -> TypeGuard[Awaitable[Any]]:
        """Whether the value is awaitable. The executor asks this of all that it may await."""
        if not optimized_is_awaitable(value):
            return False
        if type(value) is CoroutineType:
            self._coroutines.append(value)
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exception is not None:
            for coroutine in self._coroutines:
                if getcoroutinestate(coroutine) == CORO_CREATED:
                    coroutine.close()
        self._coroutines.clear()
