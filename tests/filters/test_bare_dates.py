"""A date compared with datetimes is the whole local day, in both engines.

The values are the first and the last millisecond of days, and the milliseconds beside them, in
three zones and across clock changes.
"""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import bson
import pytest
from pymongo import MongoClient

from app.filters import (
    AttributeType,
    Calendar,
    Catalog,
    CustomerFacts,
    MetadataType,
    Now,
    holds,
    parse,
)
from app.filters.calendar import DAY
from app.filters.matcher import Matcher
from app.filters.parse import MAX_QUERY_BYTES
from app.filters.predicates import condition_query
from app.filters.tree import AttributeCondition
from app.filters.walk import own_conditions, query_bytes
from tests.filters.corpus import CATALOG
from tests.filters.dual_evaluator import open_dual_evaluator
from tests.instants import utc
from tests.local_days import PLACES, comparisons, edges_of_days

Wire = dict[str, Any]


@pytest.mark.parametrize(("zone", "around"), PLACES)
@pytest.mark.parametrize("path", ["metadata.at", "metadata.visits", "createdAt"])
def test_a_date_is_the_whole_local_day(
    mongo_client: MongoClient[Wire], zone: str, around: date, path: str
) -> None:
    edges = edges_of_days(zone, around)
    assert len(edges) >= 8
    group, _, key = path.rpartition(".")
    customers = []
    for instant in edges:
        value = [instant] if key == "visits" else instant
        customers.append({"_id": instant, **({group: {key: value}} if group else {key: value})})
    now = Now(utc("2026-06-01T12:00"), Calendar(ZoneInfo(zone)))
    with open_dual_evaluator(mongo_client, {"customers": customers}) as evaluator:
        for day in sorted({*edges.values()})[1:-1]:
            for operator, value, holds_on in comparisons(day):
                wire = {"attribute": {"path": path, "operator": operator, "value": value}}
                tree = parse(wire, CATALOG)
                expected = {instant for instant in edges if holds_on(edges[instant])}
                assert evaluator.select_by_pipeline(tree, now) == expected, wire
                assert evaluator.select_by_evaluator(tree, now) == expected, wire
                matcher = Matcher({0: tree})
                assert expected == {
                    instant
                    for instant, facts in evaluator.customers.items()
                    if matcher.match(facts, now).matching_slots
                }, wire


def test_two_elements_beside_a_day_are_not_on_it() -> None:
    now = Now(utc("2026-06-01T12:00"), Calendar(ZoneInfo("UTC")))
    facts = CustomerFacts(
        {"metadata": {"visits": [utc("2026-03-28T12:00"), utc("2026-03-30T12:00")]}}
    )
    for operator, value in (("IS", "2026-03-29"), ("CONTAINS_ALL", ["2026-03-29"])):
        wire = {"path": "metadata.visits", "operator": operator, "value": value}
        assert not holds(parse({"attribute": wire}, CATALOG), facts, now)


def test_long_lists_of_dates_fit_into_a_query() -> None:
    """Ten thousand separate days, each a range of its own in the query."""
    days = [(date(1950, 1, 1) + 2 * n * DAY).isoformat() for n in range(10_000)]
    wire = {"path": f"metadata.{'k' * 100}", "operator": "IN", "value": days}
    catalog = Catalog({"k" * 100: MetadataType(AttributeType.DATETIME)})
    tree = parse({"all": [{"attribute": wire}, {"attribute": wire}]}, catalog)
    now = Now(utc("2026-06-01T12:00"), Calendar(ZoneInfo("Europe/Warsaw")))
    queries = [
        condition_query(condition, now)
        for condition in own_conditions(tree)
        if isinstance(condition, AttributeCondition)
    ]
    assert len(bson.encode({"$and": queries})) < query_bytes(tree) < MAX_QUERY_BYTES


def test_long_lists_of_dates_select_customers_in_every_plan(
    mongo_client: MongoClient[Wire],
) -> None:
    """Ten thousand separate days in the innermost group, also of values of other shapes."""
    days = [date(1990, 1, 2) + 2 * n * DAY for n in range(10_000)]
    values = [
        utc("2026-03-29T23:59:59.999"),
        utc("2026-03-30T12:00"),
        [utc("2026-03-29T12:00"), utc("2026-03-30T12:00")],
        [],
        [[utc("2026-03-29T12:00"), utc("2026-03-30T12:00")]],
        "2026-03-29",
        None,
    ]
    customers = [{"_id": n, "metadata": {"at": value}} for n, value in enumerate(values)]
    now = Now(utc("2026-06-01T12:00"), Calendar(ZoneInfo("UTC")))
    with open_dual_evaluator(mongo_client, {"customers": customers}) as evaluator:
        for operator, expected in (("IN", {1, 2}), ("NOT_IN", {0, 3, 4, 5, 6})):
            texts = [day.isoformat() for day in days]
            wire: Wire = {
                "attribute": {"path": "metadata.at", "operator": operator, "value": texts}
            }
            for _ in range(8):
                wire = {"all": [wire]}
            tree = parse(wire, CATALOG)
            assert evaluator.select_by_pipeline(tree, now) == expected
            assert evaluator.select_by_evaluator(tree, now) == expected
