"""One real mongod and one real Valkey for the whole session; a database of its own per test."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from pymongo import MongoClient
from redis import Redis

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.settings import Settings
from tests.local_processes import running_process


def _settings(**values: Any) -> Settings:
    """A developer's .env is not the tests'."""
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    with running_process(
        Mongod(tmp_path_factory.mktemp("mongod"), _settings(oplog_mib=990))
    ) as process:
        yield process


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with running_process(Valkey(tmp_path_factory.mktemp("valkey"))) as process:
        yield process


@pytest.fixture(scope="session")
def mongo_client(mongod: Mongod) -> Iterator[MongoClient[dict[str, object]]]:
    with MongoClient[dict[str, object]](mongod.url) as client:
        yield client


@pytest.fixture(scope="session")
def redis_client(valkey: Valkey) -> Iterator[Redis]:
    with Redis.from_url(valkey.url) as client:
        yield client


@pytest.fixture
def database(mongo_client: MongoClient[dict[str, object]]) -> Iterator[str]:
    """A database's name, unused before and dropped after."""
    name = f"test_{uuid4().hex}"
    yield name
    mongo_client.drop_database(name)


@pytest.fixture
def settings(mongod: Mongod, valkey: Valkey, redis_client: Redis, database: str) -> Settings:
    """What the program under test runs with; Redis is empty."""
    redis_client.flushall()
    return _settings(
        mongodb_url=SecretStr(mongod.url),
        redis_url=SecretStr(valkey.url),
        database=database,
    )
