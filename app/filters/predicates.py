"""Conditions on one document as predicates of MongoDB's query language."""

from collections.abc import Callable, Sequence

from app.filters.calendar import Now
from app.filters.fields import Field
from app.filters.operators import Operand, Operator, Query
from app.filters.tree import AttributeCondition


def condition_query(condition: AttributeCondition, now: Now) -> Query:
    """The predicate of one condition over the documents that hold its field."""
    return _operator_query(condition.field, condition.operator, condition.operand, now)


def and_query(queries: Sequence[Query]) -> Query:
    """A predicate that holds where each of these does."""
    return queries[0] if len(queries) == 1 else {"$and": list(queries)}


def negatable_query(operator: Operator, positive_query: Callable[[Operator], Query]) -> Query:
    """What the operator asks, where `positive` says it of those that negate none."""
    if operator.negates is not None:
        return {"$nor": [positive_query(operator.negates)]}
    return positive_query(operator)


def _operator_query(field: Field, operator: Operator, operand: Operand, now: Now) -> Query:
    return negatable_query(operator, lambda op: _positive_query(field, op, operand, now))


def _positive_query(field: Field, operator: Operator, operand: Operand, now: Now) -> Query:
    predicate = operator.query(field.mongo_path, operand, now)
    if field.default is not None and operator.holds(field.default, operand, now):
        return {"$or": [predicate, {field.mongo_path: {"$not": {"$type": "number"}}}]}
    if not field.is_schemaless:
        return predicate
    # A path of MongoDB's reaches through an array of objects; to one of ours, all behind it is
    # missing.
    parent_paths = [
        ".".join(field.document_keys[:end]) for end in range(2, len(field.document_keys))
    ]
    if not parent_paths:
        return predicate
    if operator.holds(None, operand, now):
        return {"$or": [predicate, *({parent: {"$type": "array"}} for parent in parent_paths)]}
    return {
        "$and": [predicate, *({parent: {"$not": {"$type": "array"}}} for parent in parent_paths)]
    }
