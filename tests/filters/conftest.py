"""The corpus in MongoDB, once per session, and strategies for filters on its values."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from tests.filters import corpus, operator_examples
from tests.filters.dual_evaluator import DualEvaluator, open_dual_evaluator
from tests.filters.filter_strategies import FilterStrategies


@pytest.fixture(scope="session")
def dual_evaluator(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[DualEvaluator]:
    with open_dual_evaluator(mongo_client, corpus.build_corpus()) as evaluator:
        yield evaluator


@pytest.fixture(scope="session")
def filter_strategies(dual_evaluator: DualEvaluator) -> FilterStrategies:
    return FilterStrategies(dual_evaluator.customers)


@pytest.fixture(scope="session")
def example_evaluator(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[DualEvaluator]:
    with open_dual_evaluator(
        mongo_client, {"customers": list(operator_examples.example_documents())}
    ) as evaluator:
        yield evaluator
