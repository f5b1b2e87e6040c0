"""Aggregates of extreme numbers, by the pipeline and by the evaluator."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient

from app.filters import Catalog, parse
from app.filters.aggregates import AGGREGATES, Aggregate
from tests.filters.corpus import NOWS
from tests.filters.derived_fields import update_summaries
from tests.filters.dual_evaluator import DualEvaluator, open_dual_evaluator

VALUES: tuple[list[Any], ...] = (
    [],
    [None, [], "5", True, {"a": 1}],
    [0.1] * 10,
    [0.1, 0.2, -0.3],
    [0.1, 0.2, 0.3, -0.6],
    [1.0, 1e100, -1e100],
    [2**63 - 1, 1],
    [2**63 - 1, 2**63 - 1, -(2**63)],
    [2**53, 1.0, 1],
    [2**62, 1, 1.0, -float(2**62)],
    [1e308, 1e308],
    [1e308, 1e308, -1e308],
    [-1e308, 1e308, 1.0],
    [1e100, 1.0, -1e100],
    [0, -0.0, 0.0, 1, 1.0, True, "1", [1], [1.0], {"a": 1}, {"a": 1.0}, {"b": 1, "a": 1}],
    [{"a": 1, "b": 1}, {"b": 1, "a": 1}, [[]], [None], None, []],
    [5e-324, 5e-324],
    [3, 1, 2.5, "0", None],
)
# The amounts of orders and items are whole. The sum of the largest has more than 64 bits.
WHOLE_VALUES: tuple[list[int], ...] = (
    [],
    [0],
    [1, 2, 4],
    [-5, 5],
    [2**53 + 1] * 7,
    [2**53, 1, 1],
    [2**63 - 1, 1],
    [2**63 - 1, 2**63 - 1, -(2**63)],
    [-(2**63), -1],
    [2**62 + 1] * 600,
    [2**62 + 1, -(2**62)] * 300,
)


@pytest.fixture(scope="module")
def amounts_evaluator(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[DualEvaluator]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    corpus: dict[str, list[dict[str, Any]]] = {
        "customers": [{"_id": id_} for id_, _ in enumerate(VALUES)],
        "events": [
            {"customerId": id_, "name": "paid", "at": at, "properties": {"amount": value}}
            for id_, values in enumerate(VALUES)
            for value in values
        ],
    }
    for customer in corpus["customers"]:
        rows = [row for row in corpus["events"] if row["customerId"] == customer["_id"]]
        update_summaries(customer, rows, [])
    with open_dual_evaluator(mongo_client, corpus) as found:
        yield found


@pytest.fixture(scope="module")
def whole_amounts_evaluator(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[DualEvaluator]:
    """Of each list of amounts, one customer has an order for each, and one an item for each."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    customers: list[dict[str, Any]] = []
    orders: list[dict[str, Any]] = []
    for number, values in enumerate(WHOLE_VALUES):
        order = {"current": True, "status": "PAID", "at": at}
        items = [{"sku": "vase", "quantity": 1, "amount": value} for value in values]
        single_orders = [order | {"customerId": 2 * number, "amount": value} for value in values]
        order |= {"customerId": 2 * number + 1, "amount": 0} | ({"items": items} if items else {})
        orders += [*single_orders, order]
        for id_, rows in ((2 * number, single_orders), (2 * number + 1, [order])):
            customers.append({"_id": id_})
            update_summaries(customers[-1], [], rows)
    corpus = {"customers": customers, "orders": orders}
    with open_dual_evaluator(mongo_client, corpus) as found:
        yield found


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda aggregate: aggregate.name)
def test_pipeline_and_evaluator_compute_the_same(
    aggregate: Aggregate, amounts_evaluator: DualEvaluator
) -> None:
    _assert_engines_agree(amounts_evaluator, "paid", aggregate, VALUES)


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda aggregate: aggregate.name)
@pytest.mark.parametrize("event_name", ["order", "order.item"])
def test_pipeline_and_evaluator_compute_the_same_of_whole_numbers(
    event_name: str, aggregate: Aggregate, whole_amounts_evaluator: DualEvaluator
) -> None:
    _assert_engines_agree(whole_amounts_evaluator, event_name, aggregate, WHOLE_VALUES)


def _assert_engines_agree(
    evaluator: DualEvaluator, event_name: str, aggregate: Aggregate, lists: Sequence[list[Any]]
) -> None:
    results = {aggregate.compute([v for v in values if v != []]) for values in lists} - {None}
    for result in results:
        value = result if abs(result or 0) < float("inf") else 1.7e308
        for operator in ("IS", "GREATER_THAN", "LESS_THAN"):
            measured = {"function": aggregate.name, "property": "amount"}
            event = {"name": event_name, "aggregate": measured, "operator": operator}
            tree = parse({"event": event | {"value": value}}, Catalog())
            assert evaluator.select_by_pipeline(tree, NOWS[0]) == evaluator.select_by_evaluator(
                tree, NOWS[0]
            ), event
