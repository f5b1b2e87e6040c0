"""Says in one sentence why a filter does not hold."""

from collections.abc import Iterator

from app.filters.descriptions import describe
from app.filters.evaluate import Evaluation
from app.filters.tree import AllOf, AnyOf, Filter

_MAX_LISTED_PARTS = 3


def describe_failure(filter_: Filter, evaluation: Evaluation) -> str:
    """A sentence that names the parts of the filter that the customer does not meet; the first
    three of them. The filter must not hold."""
    parts = list(_failing_parts(filter_, evaluation))
    texts = [describe(part) for part in parts[:_MAX_LISTED_PARTS]]
    if unlisted_count := len(parts) - len(texts):
        texts.append(f"{unlisted_count:,} more")
    return f"The customer does not meet: {'; '.join(texts)}."


def _failing_parts(filter_: Filter, evaluation: Evaluation) -> Iterator[Filter]:
    """Yields the smallest parts of the filter that must hold and do not."""
    match filter_:
        case AllOf(branches) | AnyOf((_,) as branches):
            for branch in branches:
                if not evaluation.holds(branch):
                    yield from _failing_parts(branch, evaluation)
        case _:
            yield filter_
