"""Translates conditions on one document to MongoDB queries."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from app.filters.calendar import Now
from app.filters.fields import Field
from app.filters.operators import Operand, Operator, Query
from app.filters.tree import AttributeCondition


def condition_query(condition: AttributeCondition, now: Now) -> Query:
    """The query for a condition on the documents that have its field."""
    return _operator_query(condition.field, condition.operator, condition.operand, now)


def and_query(queries: Sequence[Query]) -> Query:
    """A query that matches if every one of the queries does."""
    return queries[0] if len(queries) == 1 else {"$and": list(queries)}


def uses_expression(query: object) -> bool:
    """Whether the query has $expr at any depth."""
    if isinstance(query, dict):
        return "$expr" in query or any(map(uses_expression, query.values()))
    return isinstance(query, list) and any(map(uses_expression, query))


def negatable_query(operator: Operator, positive_query: Callable[[Operator], Query]) -> Query:
    """The query for an operator; a negating one inverts the query of its counterpart.

    `positive_query` makes the query for an operator that does not negate another.
    """
    if operator.negates is not None:
        return {"$nor": [positive_query(operator.negates)]}
    return positive_query(operator)


def _operator_query(field: Field, operator: Operator, operand: Operand, now: Now) -> Query:
    if operator.negates is not None:
        # No index serves a negation.
        operand = replace(operand, indexed=False)
    return negatable_query(
        operator, lambda positive: _positive_query(field, positive, operand, now)
    )


def _positive_query(field: Field, operator: Operator, operand: Operand, now: Now) -> Query:
    predicate = operator.query(field.mongo_path, operand, now)
    if field.default is not None and operator.holds(field.default, operand, now):
        return {"$or": [predicate, {field.mongo_path: {"$not": {"$type": "number"}}}]}
    if not field.is_schemaless:
        return predicate
    # MongoDB's paths traverse arrays of objects. In the filter language a value behind an array is
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
