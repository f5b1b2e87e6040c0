"""Measures as stages of an aggregation pipeline.

There are two forms. `lookup_stages` joins the rows of each customer that reaches the stage.
`group_stages` groups all rows of the measure by customer in one pass, which costs about a
twentieth per customer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.filters.calendar import Now
from app.filters.operators import Query
from app.filters.predicates import and_query, condition_query, uses_expression
from app.filters.tree import AttributeCondition, Measure, SlidingWindow, Window

Stage = dict[str, Any]

# The temporary field of a customer document that holds computed values.
SCRATCH_FIELD = "_scratch"

# The index alone has these ids. MongoDB's slot-based engine would run a $group that follows, but
# takes longer to read an index than its classic engine. A $redact, here one without effect, leaves
# the pipeline to the classic engine.
_COVERED_CUSTOMER_IDS: list[Stage] = [
    {"$project": {"_id": 0, "customerId": 1}},
    {"$redact": "$$KEEP"},
]


def documents_predicate(measure: Measure, now: Now) -> Query:
    """The query for the stored documents that have rows which a measure includes at `now`.

    A document is a row itself or, with the source's `array_key`, may have other rows, too.
    """
    predicates: list[Query] = [dict(measure.source.predicate)]
    if measure.window is not None:
        predicates.append({"at": _window_bounds(measure.window, now)})
    predicates += [
        condition_query(condition, now)
        for condition in measure.where
        if not _is_on_element(condition, measure)
    ]
    element_queries = [
        query
        for condition in measure.where
        if _is_on_element(condition, measure)
        # MongoDB rejects $expr in $elemMatch; the later stages test these conditions.
        and not uses_expression(query := condition_query(_as_element_condition(condition), now))
    ]
    if element_queries and measure.source.array_key:
        predicates.append({measure.source.array_key: {"$elemMatch": and_query(element_queries)}})
    return and_query(predicates)


def candidate_rows_predicate(measure: Measure, now: Now) -> Query:
    """The query for the stored documents with rows that a measure includes at `now` or may include
    later by time alone.

    The latter are rows after the end of a sliding window and rows that a time-dependent condition
    may accept.
    """
    predicate = documents_predicate(measure.without_time_dependence, now)
    if isinstance(measure.window, SlidingWindow):
        return and_query([predicate, {"at": {"$gt": now.at - measure.window.start_ago}}])
    return predicate


def lookup_stages(field_names: Mapping[Measure, str], now: Now) -> list[Stage]:
    """Stages that compute each measure for every customer that reaches them, by $lookup.

    `field_names` maps a measure to its key in the scratch field.
    """
    stages: list[Stage] = []
    for measure, name in field_names.items():
        path = f"{SCRATCH_FIELD}.{name}"
        lookup = {
            "from": measure.source.collection,
            "localField": "_id",
            "foreignField": "customerId",
            "pipeline": [*_row_stages(measure, now), *_aggregation_stages(measure, None, "value")],
            "as": path,
        }
        value = {"$ifNull": [{"$first": f"${path}.value"}, empty_value(measure)]}
        stages += [{"$lookup": lookup}, {"$set": {path: value}}]
    return stages


def group_stages(measure: Measure, field_name: str, now: Now) -> list[Stage]:
    """Stages from the row collection to one document per customer that has rows in the measure."""
    rows = _row_stages(measure, now)
    if is_covered_by_index(measure):
        rows += _COVERED_CUSTOMER_IDS
    return [*rows, *_aggregation_stages(measure, "$customerId", field_name)]


def merge_by_customer_stage(field_names: Iterable[str]) -> Stage:
    """Merges the documents of a customer into one, with the values under these names."""
    return {"$group": {"_id": "$_id", **{name: {"$max": f"${name}"} for name in field_names}}}


def measure_projection(field_names: Mapping[Measure, str]) -> dict[str, Any]:
    """Projects the grouped measures, with the empty value for customers without rows."""
    return {
        name: {"$ifNull": [f"${name}", empty_value(measure)]}
        for measure, name in field_names.items()
    }


def is_covered_by_index(measure: Measure) -> bool:
    """Whether an index alone can answer the measure: it reads only the instants of the rows."""
    is_count_of_documents = measure.aggregate is None and measure.source.array_key is None
    return is_count_of_documents and not measure.where


def empty_value(measure: Measure) -> int | None:
    """The value of a measure without any rows."""
    return 0 if measure.aggregate is None else measure.aggregate.empty_value


def _window_bounds(window: Window, now: Now) -> Query:
    if isinstance(window, SlidingWindow):
        return {"$gt": now.at - window.start_ago, "$lte": now.at - window.end_ago}
    return {"$gte": window.start, "$lte": window.end}


def _aggregation_stages(measure: Measure, group_key: str | None, field_name: str) -> list[Stage]:
    """Computes the measure of rows for each value of the expression `group_key`; None makes one
    group."""
    path = f"${field_name}"
    accumulator, value = {"$sum": 1}, path
    if measure.aggregate is not None and measure.property is not None:
        accumulator = measure.aggregate.accumulate(measure.property)
        value = measure.aggregate.finalize(path, measure.property)
    stages: list[Stage] = [{"$group": {"_id": group_key, field_name: accumulator}}]
    # A stage without effect would take as long as any other.
    return stages if value == path else [*stages, {"$project": {field_name: value}}]


def _row_stages(measure: Measure, now: Now) -> list[Stage]:
    """Stages from the stored documents to the rows that the measure includes."""
    stages: list[Stage] = [{"$match": documents_predicate(measure, now)}]
    if measure.source.array_key is None:
        return stages
    stages.append({"$unwind": f"${measure.source.array_key}"})
    element_conditions = [
        condition for condition in measure.where if _is_on_element(condition, measure)
    ]
    if element_conditions:
        queries = [condition_query(condition, now) for condition in element_conditions]
        stages.append({"$match": and_query(queries)})
    return stages


def _is_on_element(condition: AttributeCondition, measure: Measure) -> bool:
    """Whether the condition reads the element of an array that is the row, not the document."""
    return condition.field.document_keys[0] == measure.source.array_key


def _as_element_condition(condition: AttributeCondition) -> AttributeCondition:
    """The condition with the path of its field relative to the element."""
    return replace(
        condition, field=replace(condition.field, document_keys=condition.field.document_keys[1:])
    )
