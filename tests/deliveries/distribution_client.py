"""A client of the API of distributions. It appends transitions in place of the engine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from tests.api import Api, Json
from tests.engine.conftest import wait_until
from tests.loyalty_client import LoyaltyClient
from tests.patience import PATIENCE_SECONDS

_USER_ERRORS = "userErrors { code path message }"
DISTRIBUTION_FIELDS = (
    "id name on state pausedBecause maxPerCustomer includesCurrentMembers createdAt"
    " segment { id name kind } channel { webhook { url headerNames } email { subject body } }"
    " counts { status count }"
)
DELIVERY_FIELDS = (
    "id status attempts code lastError nextAttemptAt deliveredAt createdAt"
    " transition { sequence type } customer { sourceId }"
)
CREATE = (
    "mutation($input: DistributionInput!) { distributionCreate(input: $input)"
    f" {{ distribution {{ {DISTRIBUTION_FIELDS} }} secret {_USER_ERRORS} }} }}"
)
UPDATE = (
    "mutation($id: ID!, $input: DistributionUpdateInput!) { distributionUpdate(id: $id,"
    f" input: $input) {{ distribution {{ {DISTRIBUTION_FIELDS} }} secret {_USER_ERRORS} }} }}"
)
SET_STATE = (
    "mutation($id: ID!, $state: DistributionState!) { distributionSetState(id: $id, state: $state)"
    f" {{ distribution {{ {DISTRIBUTION_FIELDS} }} {_USER_ERRORS} }} }}"
)
DELETE = (
    "mutation($id: ID!) { distributionDelete(id: $id)"
    f" {{ distribution {{ id name state }} {_USER_ERRORS} }} }}"
)
ROTATE = (
    "mutation($id: ID!) { distributionRotateSecret(id: $id)"
    f" {{ distribution {{ id }} secret {_USER_ERRORS} }} }}"
)
TEST = (
    "mutation($id: ID!, $customer: CustomerRef!) { distributionTest(id: $id, customer: $customer)"
    f" {{ delivery {{ {DELIVERY_FIELDS} }} {_USER_ERRORS} }} }}"
)
RETRY = (
    "mutation($id: ID!) { deliveryRetry(id: $id)"
    f" {{ delivery {{ {DELIVERY_FIELDS} }} {_USER_ERRORS} }} }}"
)
RETRY_ALL = (
    "mutation($id: ID!, $first: Int) { deliveriesRetry(distributionId: $id, first: $first) }"
)
DELIVERIES = (
    "query($id: ID!, $first: Int, $after: String, $statuses: [DeliveryStatus!]) { node(id: $id) {"
    " ... on Distribution { deliveries(first: $first, after: $after, statuses: $statuses) {"
    f" totalCount edges {{ cursor }} nodes {{ {DELIVERY_FIELDS} }}"
    " pageInfo { hasNextPage endCursor } } } } }"
)


class DistributionClient(LoyaltyClient):
    """Calls the API of distributions, and runs the consumers and the sender in this process."""

    def __init__(self, api: Api) -> None:
        super().__init__(api)
        self.secrets: dict[str, str] = {}

    async def create(self, segment: str, url: str, **fields: Any) -> str:
        """Creates a distribution with a webhook; returns its id."""
        channel = fields.pop("channel", {"webhook": {"url": url}})
        payload = await self.api.fetch(
            CREATE, input={"name": "hello", "segmentId": segment, "channel": channel, **fields}
        )
        assert not payload["userErrors"], payload
        id_ = str(payload["distribution"]["id"])
        self.secrets[id_] = payload["secret"]
        return id_

    async def change(self, mutation: str, **variables: Any) -> Json:
        """Sends a mutation; returns the payload. Fails on errors."""
        payload: Json = await self.api.fetch(mutation, **variables)
        assert not payload["userErrors"], payload
        return payload

    async def fetch_distribution(self, id_: str) -> Json:
        query = (
            "query($id: ID!) { node(id: $id) { ... on Distribution"
            f" {{ {DISTRIBUTION_FIELDS} }} }} }}"
        )
        distribution: Json = await self.api.fetch(query, id=id_)
        return distribution

    async def counts(self, id_: str) -> dict[str, int]:
        """Returns the number of deliveries by status, without those that have none."""
        counts = (await self.fetch_distribution(id_))["counts"]
        return {entry["status"]: entry["count"] for entry in counts if entry["count"]}

    async def deliveries(self, id_: str, **variables: Any) -> list[Json]:
        """Returns at most 100 deliveries, newest first."""
        node = await self.api.fetch(DELIVERIES, id=id_, **{"first": 100, **variables})
        nodes: list[Json] = node["deliveries"]["nodes"]
        return nodes

    async def make_deliveries(self) -> None:
        """Lets the consumers handle the log, and the upkeep do its work."""
        await self.api.services.consumers.drain()
        await self.api.services.delivery_worker.upkeep.run_until_done()

    async def create_with_deliveries(self, url: str, *names: str, **fields: Any) -> str:
        """Creates a distribution that has one delivery for each customer; returns its id."""
        segment = await self.create_segment(f"Segment of {url}")
        distribution = await self.create(segment, url, **fields)
        await self.append_entered(segment, *names)
        await self.make_deliveries()
        return distribution

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Runs the sender while the context is open."""
        task = asyncio.create_task(self.api.services.delivery_worker.sender.run())
        try:
            yield
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def wait_for_counts(
        self, id_: str, seconds: float = PATIENCE_SECONDS, **counts: int
    ) -> None:
        """Waits until the distribution has exactly these numbers of deliveries."""

        async def has_counts() -> bool:
            return await self.counts(id_) == counts

        await wait_until(has_counts, seconds)

    def make_due(self, **fields: Any) -> None:
        """Makes all deliveries that wait for another attempt due now."""
        now = datetime.now(UTC)
        self.api.database.deliveries.update_many(
            {"nextAttemptAt": {"$exists": True}}, {"$set": {"nextAttemptAt": now, **fields}}
        )
