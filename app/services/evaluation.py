"""Evaluations of one customer: in a thread if the customer has much data."""

from collections.abc import Callable
from typing import Any, TypeVar

from app.filters import CustomerFacts
from app.worker_threads import run_in_thread

Result = TypeVar("Result")

# With fewer values, a filter of the largest size takes some milliseconds.
_MAX_VALUES_ON_LOOP = 500
_CHARACTERS_PER_VALUE = 100


async def evaluate(facts: CustomerFacts, function: Callable[[], Result]) -> Result:
    """Calls a function that evaluates filters by these facts, and returns its result."""
    return await run_in_thread(function) if has_much_data(facts) else function()


def has_much_data(facts: CustomerFacts) -> bool:
    """Whether to evaluate filters by these facts in a thread. Counts rows, the elements of lists,
    and texts in hundreds of characters."""
    if facts.histories or sum(map(len, facts.rows.values())) > _MAX_VALUES_ON_LOOP:
        return True
    count, pending = 0, [facts.document]
    while pending and count <= _MAX_VALUES_ON_LOOP:
        for value in pending.pop().values():
            if isinstance(value, dict):
                pending.append(value)
            else:
                count += _count_values(value)
    return count > _MAX_VALUES_ON_LOOP


def _count_values(value: Any) -> int:
    if isinstance(value, str):
        return len(value) // _CHARACTERS_PER_VALUE
    if not isinstance(value, list):
        return 1
    text_lengths = (len(element) for element in value if isinstance(element, str))
    return len(value) + sum(text_lengths) // _CHARACTERS_PER_VALUE
