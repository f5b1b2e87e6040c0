"""A filter as an aggregation over the customers: the population's engine."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, assert_never

from app.filters import measuring
from app.filters.calendar import Now
from app.filters.operators import Query
from app.filters.predicates import all_of, negatable, query
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Measure,
    NoneOf,
)

Stage = dict[str, Any]


@dataclass(frozen=True)
class Pipeline:
    """The stages that leave just the customers of whom a filter holds.

    After `narrow` only their ids are sure to be there, which is enough to count or to cut a page;
    `restore` makes of them the customers as they are stored.
    """

    narrow: list[Stage] = field(default_factory=list)
    restore: list[Stage] = field(default_factory=list)


def pipeline(filter_: Filter, now: Now, *, few: bool = False) -> Pipeline:
    """What can be asked of the customer alone comes first, where indexes serve it; then come the
    measures of events, each of them once; then what is asked of those.

    `few` tells that the first part leaves few customers, whose events are then looked up.
    """
    first = alone(filter_, now)
    asked = _Asked(now)
    # What is asked of measures alone narrows down before whole customers are brought back.
    pure: list[Query] = []
    mixed: list[Query] = []
    for branch in _branches(filter_):
        if measures(branch):
            (mixed if _asks_of_customer(branch) else pure).append(asked.query(branch))
    if not asked.names:
        return Pipeline(first)
    clean = {"$unset": measuring.SCRATCH}
    if few:
        looked_up = measuring.looked_up(asked.names, now)
        return Pipeline([*first, *looked_up, {"$match": all_of([*pure, *mixed])}, clean])
    narrow = [*first, *measuring.grouped(asked.names, now)]
    if pure:
        narrow.append({"$match": all_of(pure)})
    if mixed:
        whole = [*measuring.restored(), {"$match": all_of(mixed)}, clean]
        return Pipeline([*narrow, *whole])
    return Pipeline(narrow, [*measuring.restored(), clean])


def alone(filter_: Filter, now: Now) -> list[Stage]:
    """The part that can be asked of the customers alone: no stage where there is none."""
    asked = _Asked(now)
    queries = [asked.query(branch) for branch in _branches(filter_) if not measures(branch)]
    return [{"$match": all_of(queries)}] if queries else []


def measures(filter_: Filter) -> set[Measure]:
    """Every measure of events that the filter needs."""
    return {c.measure for c in _conditions(filter_) if isinstance(c, EventCondition)}


def _asks_of_customer(filter_: Filter) -> bool:
    return any(isinstance(c, AttributeCondition) for c in _conditions(filter_))


def _branches(filter_: Filter) -> tuple[Filter, ...]:
    """What must hold, each part of it by itself."""
    return filter_.branches if isinstance(filter_, AllOf) else (filter_,)


def _conditions(filter_: Filter) -> Iterator[AttributeCondition | EventCondition]:
    match filter_:
        case AllOf(branches) | AnyOf(branches) | NoneOf(branches):
            for branch in branches:
                yield from _conditions(branch)
        case AttributeCondition() | EventCondition():
            yield filter_
        case _:
            assert_never(filter_)


@dataclass
class _Asked:
    """Predicates, and the names under which they expect the measures that they ask of."""

    now: Now
    names: dict[Measure, str] = field(default_factory=dict)

    def query(self, filter_: Filter) -> Query:
        match filter_:
            case AllOf(branches):
                return {"$and": [self.query(branch) for branch in branches]}
            case AnyOf(branches):
                return {"$or": [self.query(branch) for branch in branches]}
            case NoneOf(branches):
                return {"$nor": [self.query(branch) for branch in branches]}
            case AttributeCondition():
                return query(filter_, self.now)
            case EventCondition(measure, operator, operand):
                name = self.names.setdefault(measure, f"m{len(self.names)}")
                address = f"{measuring.SCRATCH}.{name}"
                return negatable(operator, lambda op: op.query(address, operand, self.now))
            case _:
                assert_never(filter_)
