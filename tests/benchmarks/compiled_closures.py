"""The baseline of the matcher: each filter compiled into a Python closure."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from app.filters import CustomerFacts, Filter, Now
from app.filters.evaluate import Evaluation, operator_holds
from app.filters.fields import TEMPORAL_TYPES, Field, is_number
from app.filters.operators import equality, instants, numbers
from app.filters.tree import AllOf, AnyOf, AttributeCondition, EventCondition, NoneOf, SlidingWindow


class EvaluationContext:
    """A customer, its events by name, and the instant of the evaluation."""

    def __init__(self, facts: CustomerFacts, now: Now) -> None:
        self.document, self.now = facts.document, now
        self.evaluation = Evaluation(facts, now)
        self.rows: defaultdict[str, list[Any]] = defaultdict(list)
        for row in facts.rows.get("events", ()):
            self.rows[row["name"]].append(row)


Predicate = Callable[[EvaluationContext], bool]


def compile_filter(filter_: Filter) -> Predicate:
    """Compiles a filter into a function of the customer."""
    match filter_:
        case AllOf(branches):
            return _all_of([compile_filter(branch) for branch in branches])
        case AnyOf(branches):
            return _any_of([compile_filter(branch) for branch in branches])
        case NoneOf(branches):
            any_branch = _any_of([compile_filter(branch) for branch in branches])
            return lambda context: not any_branch(context)
        case AttributeCondition():
            return _attribute_predicate(filter_)
        case EventCondition():
            return _event_predicate(filter_)
        case _:
            return lambda context: context.evaluation.holds(filter_)


def _all_of(predicates: list[Predicate]) -> Predicate:
    if len(predicates) == 1:
        return predicates[0]
    if len(predicates) == 2:
        first, second = predicates
        return lambda context: first(context) and second(context)
    if len(predicates) == 3:
        first, second, third = predicates
        return lambda context: first(context) and second(context) and third(context)
    return lambda context: all(predicate(context) for predicate in predicates)


def _any_of(predicates: list[Predicate]) -> Predicate:
    if len(predicates) == 2:
        first, second = predicates
        return lambda context: first(context) or second(context)
    return lambda context: any(predicate(context) for predicate in predicates)


def _field_reader(field: Field) -> Callable[[Any], Any]:
    """Returns the fastest function that reads the field of a document."""
    if field.default is None and len(field.document_keys) == 1:
        (single_key,) = field.document_keys
        return lambda document: document.get(single_key)
    if field.default is None and len(field.document_keys) == 2:
        group, key = field.document_keys

        def read(document: Any) -> Any:
            inner = document.get(group)
            return inner.get(key) if isinstance(inner, dict) else None

        return read
    return field.read


def _attribute_predicate(condition: AttributeCondition) -> Predicate:
    field, operator, operand = condition.field, condition.operator, condition.operand
    read, value = _field_reader(field), operand.value

    def evaluate_generic(context: EvaluationContext, stored: Any) -> bool:
        return operator_holds(operator, stored, operand, context.now)

    if isinstance(operator, numbers._ComparisonOperator):
        compare = type(operator).compare

        def compare_number(context: EvaluationContext) -> bool:
            stored = read(context.document)
            if stored.__class__ is int or stored.__class__ is float:
                return compare(stored, value)
            return evaluate_generic(context, stored)

        return compare_number
    if operator in (equality.IS, equality.IN) and operand.type not in TEMPORAL_TYPES:
        values = value if isinstance(value, tuple) else (value,)
        if all(isinstance(text, str) for text in values) and not operand.ignore_case:
            texts = frozenset(values)

            def equals_text(context: EvaluationContext) -> bool:
                stored = read(context.document)
                return (
                    stored in texts
                    if stored.__class__ is str
                    else evaluate_generic(context, stored)
                )

            return equals_text
    if isinstance(operator, instants.WithinLast | instants.MoreThanAgo):
        within = isinstance(operator, instants.WithinLast)

        def is_within_duration(context: EvaluationContext) -> bool:
            stored = read(context.document)
            if stored.__class__ is not datetime:
                return evaluate_generic(context, stored)
            now = context.now.at
            return bool(now - value <= stored <= now if within else stored < now - value)

        return is_within_duration
    return lambda context: evaluate_generic(context, read(context.document))


def _event_predicate(condition: EventCondition) -> Predicate:
    measure, operator, operand = condition.measure, condition.operator, condition.operand
    name, window, aggregate = measure.source.name, measure.window, measure.aggregate
    assert not measure.where
    assert window is None or (isinstance(window, SlidingWindow) and not window.end_ago)

    def evaluate_measure(context: EvaluationContext) -> bool:
        rows = context.rows.get(name, ())
        if rows and window is not None:
            now = context.now.at
            since = now - window.start_ago
            rows = [row for row in rows if since < row["at"] <= now]
        value: Any = len(rows)
        if aggregate is not None and measure.property is not None:
            read = measure.property.read
            value = aggregate.compute([read(row) for row in rows])
        if operator is numbers.GREATER_THAN_OR_EQUAL and is_number(value):
            return bool(value >= operand.value)
        return operator_holds(operator, value, operand, context.now)

    return evaluate_measure
