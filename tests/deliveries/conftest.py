"""The program with private addresses allowed, and a receiver of webhooks."""

from collections.abc import AsyncIterator

import pytest

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from tests.api import running_api
from tests.deliveries.distribution_client import DistributionClient
from tests.deliveries.receiver import Receiver, running_receiver


@pytest.fixture
async def client(mongod: Mongod, valkey: Valkey) -> AsyncIterator[DistributionClient]:
    async with running_api(mongod, valkey, webhook_allow_private=True) as api:
        yield DistributionClient(api)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as receiver:
        yield receiver
