"""Why a filter holds of a customer, or does not: condition by condition."""

from datetime import datetime
from typing import Any, assert_never

from app.filters.calendar import Now
from app.filters.evaluate import Facts, holds, measured
from app.filters.fields import AttributeType, Field
from app.filters.tree import AllOf, AnyOf, AttributeCondition, EventCondition, Filter, NoneOf
from app.filters.wording import text


def explain(filter_: Filter, facts: Facts, now: Now) -> dict[str, Any]:
    """The filter's own shape: of each group its branches, of each condition what was wanted and
    what the customer has (None where it is missing), and of both whether they hold."""
    answer: dict[str, Any] = {"holds": holds(filter_, facts, now)}
    match filter_:
        case AllOf(branches):
            return {**answer, "all": [explain(branch, facts, now) for branch in branches]}
        case AnyOf(branches):
            return {**answer, "any": [explain(branch, facts, now) for branch in branches]}
        case NoneOf(branches):
            return {**answer, "none": [explain(branch, facts, now) for branch in branches]}
        case AttributeCondition(field):
            return {**answer, "wanted": text(filter_), "has": _shown(field, facts)}
        case EventCondition(measure):
            return {**answer, "wanted": text(filter_), "has": measured(measure, facts, now)}
        case _:
            assert_never(filter_)


def _shown(field: Field, facts: Facts) -> Any:
    """What is stored at the field, a day as a day."""
    stored = field.read(facts.document)
    if field.type is not AttributeType.DATE:
        return stored
    values = stored if isinstance(stored, list) else [stored]
    days = [v.date().isoformat() if isinstance(v, datetime) else v for v in values]
    return days if isinstance(stored, list) else days[0]
