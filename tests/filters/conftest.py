"""The corpus, once a session, in a database of its own."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from bson import CodecOptions
from pymongo import MongoClient
from pymongo.database import Database

from tests.filters import corpus
from tests.filters.judge import Judge
from tests.filters.wire import Filters


@pytest.fixture(scope="session")
def filter_database(
    mongo_client: MongoClient[dict[str, Any]],
) -> Iterator[Database[dict[str, Any]]]:
    name = f"filters_{uuid4().hex}"
    yield mongo_client.get_database(name, CodecOptions(tz_aware=True))
    mongo_client.drop_database(name)


@pytest.fixture(scope="session")
def judge(filter_database: Database[dict[str, Any]]) -> Judge:
    return Judge(filter_database, corpus.whole())


@pytest.fixture(scope="session")
def filters(judge: Judge) -> Filters:
    return Filters(judge.customers)
