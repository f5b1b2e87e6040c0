"""A filter as an aggregation pipeline over the customers: the population's engine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from app.filters.calendar import Now
from app.filters.fields import Field
from app.filters.operators import Operand, Operator, Query
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Last,
    Measure,
    NoneOf,
    Window,
)

Stage = dict[str, Any]

# The stages keep what they compute under one key that no customer has.
_SCRATCH = "_measures"


def pipeline(filter_: Filter, now: Now) -> list[Stage]:
    """The stages that leave just the customers of whom the filter holds.

    What can be asked of the customer alone comes first, where indexes serve it; then come the
    measures of events, each of them once, and what is asked of those.
    """
    alone, measured = _split(filter_)
    stages = _Stages(now)
    first = [stages.query(branch) for branch in alone]
    last = [stages.query(branch) for branch in measured]
    matches = [{"$match": _all(first)}] if first else []
    if not last:
        return matches
    return [*matches, *stages.lookups, {"$match": _all(last)}, {"$unset": _SCRATCH}]


def query(condition: AttributeCondition, now: Now) -> Query:
    """The predicate of one condition over the documents that hold its field."""
    return _asked(condition.field, condition.operator, condition.operand, now)


def _split(filter_: Filter) -> tuple[list[Filter], list[Filter]]:
    branches = filter_.branches if isinstance(filter_, AllOf) else (filter_,)
    alone = [branch for branch in branches if not measures(branch)]
    return alone, [branch for branch in branches if measures(branch)]


def measures(filter_: Filter) -> set[Measure]:
    """Every measure of events that the filter needs."""
    match filter_:
        case AllOf(branches) | AnyOf(branches) | NoneOf(branches):
            return set().union(*map(measures, branches))
        case EventCondition(measure):
            return {measure}
        case AttributeCondition():
            return set()
        case _:
            assert_never(filter_)


def _all(queries: Sequence[Query]) -> Query:
    return queries[0] if len(queries) == 1 else {"$and": list(queries)}


@dataclass
class _Stages:
    now: Now
    lookups: list[Stage] = field(default_factory=list)
    _names: dict[Measure, str] = field(default_factory=dict)

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
                return _negatable(
                    operator, lambda op: op.query(self._name(measure), operand, self.now)
                )
            case _:
                assert_never(filter_)

    def _name(self, measure: Measure) -> str:
        """Where the stages keep the measure; computed there the first time that it is asked for."""
        if measure not in self._names:
            name = f"{_SCRATCH}.m{len(self._names)}"
            self._names[measure] = name
            self.lookups += _lookup(measure, name, self.now)
        return self._names[measure]


def _asked(field_: Field, operator: Operator, operand: Operand, now: Now) -> Query:
    return _negatable(operator, lambda op: _positive(field_, op, operand, now))


def _negatable(operator: Operator, positive: Callable[[Operator], Query]) -> Query:
    if operator.negates is not None:
        return {"$nor": [positive(operator.negates)]}
    return positive(operator)


def _positive(field_: Field, operator: Operator, operand: Operand, now: Now) -> Query:
    asked = operator.query(field_.address, operand, now)
    if field_.default is not None and operator.holds(field_.default, operand, now):
        return {"$or": [asked, {field_.address: {"$not": {"$type": "number"}}}]}
    if not field_.free:
        return asked
    # A path of MongoDB's reaches through an array of objects, and one of ours does not.
    parents = [".".join(field_.stored[:end]) for end in range(2, len(field_.stored))]
    if not parents:
        return asked
    return {"$and": [asked, *({parent: {"$not": {"$type": "array"}}} for parent in parents)]}


def rows(measure: Measure, now: Now) -> Query:
    """The predicate of the rows that a measure is taken of."""
    asked: list[Query] = [dict(measure.source.match)]
    if measure.window is not None:
        asked.append({"at": _bounds(measure.window, now)})
    asked += [query(condition, now) for condition in measure.where]
    return _all(asked)


def _bounds(window: Window, now: Now) -> Query:
    if isinstance(window, Last):
        return {"$gt": now.at - window.length, "$lte": now.at}
    return {"$gte": window.start, "$lte": window.end}


def _lookup(measure: Measure, name: str, now: Now) -> list[Stage]:
    of_none: int | None = 0
    group, value = {"$sum": 1}, "$value"
    if measure.aggregate is not None and measure.property is not None:
        group = measure.aggregate.accumulate(measure.property)
        value = measure.aggregate.finish("$value")
        of_none = measure.aggregate.of_none
    taken = [
        {"$match": rows(measure, now)},
        {"$group": {"_id": None, "value": group}},
        {"$project": {"_id": 0, "value": value}},
    ]
    lookup = {
        "from": measure.source.collection,
        "localField": "_id",
        "foreignField": "customerId",
        "pipeline": taken,
        "as": name,
    }
    return [
        {"$lookup": lookup},
        {"$set": {name: {"$ifNull": [{"$first": f"${name}.value"}, of_none]}}},
    ]
