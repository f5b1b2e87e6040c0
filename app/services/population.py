"""Questions of all customers: which of the ways to ask costs least."""

from collections.abc import Sequence

from app.filters import Filter, Now, Pipeline, pipeline
from app.filters.pipeline import Stage, alone, measures
from app.store import Store

# Looking up the events of one customer costs what grouping those of a dozen does.
FEW = 2_000


async def select(
    store: Store, tree: Filter | None, now: Now, before: Sequence[Stage] = ()
) -> Pipeline:
    """The customers of whom the filter holds, of those that the stages before it leave."""
    if tree is None:
        return Pipeline(list(before))
    first = [*before, *alone(tree, now)]
    few = bool(first and measures(tree)) and not await store.customers.more_than(FEW, first)
    found = pipeline(tree, now, few=few)
    return Pipeline([*before, *found.narrow], found.restore)
