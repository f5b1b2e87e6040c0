"""Conditions on one document as predicates of MongoDB's query language."""

from collections.abc import Callable, Sequence

from app.filters.calendar import Now
from app.filters.fields import Field
from app.filters.operators import Operand, Operator, Query
from app.filters.tree import AttributeCondition


def query(condition: AttributeCondition, now: Now) -> Query:
    """The predicate of one condition over the documents that hold its field."""
    return _asked(condition.field, condition.operator, condition.operand, now)


def all_of(queries: Sequence[Query]) -> Query:
    """A predicate that holds where each of these does."""
    return queries[0] if len(queries) == 1 else {"$and": list(queries)}


def negatable(operator: Operator, positive: Callable[[Operator], Query]) -> Query:
    """What the operator asks, where `positive` says it of those that negate none."""
    if operator.negates is not None:
        return {"$nor": [positive(operator.negates)]}
    return positive(operator)


def _asked(field_: Field, operator: Operator, operand: Operand, now: Now) -> Query:
    return negatable(operator, lambda op: _positive(field_, op, operand, now))


def _positive(field_: Field, operator: Operator, operand: Operand, now: Now) -> Query:
    asked = operator.query(field_.address, operand, now)
    if field_.default is not None and operator.holds(field_.default, operand, now):
        return {"$or": [asked, {field_.address: {"$not": {"$type": "number"}}}]}
    if not field_.free:
        return asked
    # A path of MongoDB's reaches through an array of objects; to one of ours, all behind it is
    # missing.
    parents = [".".join(field_.stored[:end]) for end in range(2, len(field_.stored))]
    if not parents:
        return asked
    if operator.holds(None, operand, now):
        return {"$or": [asked, *({parent: {"$type": "array"}} for parent in parents)]}
    return {"$and": [asked, *({parent: {"$not": {"$type": "array"}}} for parent in parents)]}
