"""The corpus, once a session, and filters drawn from what is in it."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from tests.filters import corpus, examples
from tests.filters.judge import Judge, judging
from tests.filters.wire import Filters


@pytest.fixture(scope="session")
def judge(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[Judge]:
    with judging(mongo_client, corpus.whole()) as found:
        yield found


@pytest.fixture(scope="session")
def filters(judge: Judge) -> Filters:
    return Filters(judge.customers)


@pytest.fixture(scope="session")
def example_judge(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[Judge]:
    with judging(mongo_client, {"customers": list(examples.documents())}) as found:
        yield found
