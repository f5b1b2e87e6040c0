"""An error in the upkeep of one distribution does not stop that of the others."""

import pytest
from structlog.testing import capture_logs

from app.domain.ids import EntityKind
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services.deliveries import upkeep_failures
from app.store.ids import to_object_id
from tests.api import Json, running_api
from tests.deliveries.distribution_client import SET_STATE, DistributionClient
from tests.deliveries.receiver import Receiver
from tests.deliveries.test_codes import ADD_CODES, create_pool
from tests.deliveries.test_status import list_findings
from tests.engine.conftest import ShopWithEngine, has_logged, wait_until

STATUS = "{ engineStatus { deliveries { failingDistributions { id name task error } } } }"
URL = "http://192.0.2.1/"


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep_failures, "_FIRST_DELAY_SECONDS", 0.01)


async def read_failing(client: DistributionClient) -> list[Json]:
    failing: list[Json] = (await client.api.fetch(STATUS))["deliveries"]["failingDistributions"]
    return failing


async def assert_fails(client: DistributionClient, distribution: str, task: str) -> None:
    """Asserts that the status and `segments doctor` show this failure only."""
    (failing,) = await read_failing(client)
    assert failing.pop("error")
    assert failing == {"id": distribution, "name": "hello", "task": task}
    state, is_ok = (await list_findings(client))["distributions"]
    assert state.startswith(f"the {task} of 'hello' ({distribution}) failed at ")
    assert not is_ok


async def wait_for_repair(client: DistributionClient, distribution: str, **counts: int) -> None:
    """Waits until the upkeep has made the deliveries, then asserts that no failure is shown."""

    async def is_repaired() -> bool:
        await client.make_deliveries()
        return await client.counts(distribution) == counts

    await wait_until(is_repaired)
    assert not await read_failing(client)
    assert "distributions" not in await list_findings(client)


async def test_a_member_backfill_that_fails_does_not_stop_another(
    mongod: Mongod, valkey: Valkey
) -> None:
    async with running_api(mongod, valkey, webhook_allow_private=True) as api:
        client, engine = DistributionClient(api), ShopWithEngine(api)
        rows = [
            {"sourceId": name, "metadata": {"group": name}, "email": f"{name}@example.com"}
            for name in ("bad", "good")
        ]
        await api.bulk_upsert("customersUpsert", rows)
        segments = []
        engine.start_engine()
        for name in ("bad", "good"):
            condition = {"path": "metadata.group", "operator": "IS", "value": name}
            segments.append(await client.create_segment(name, filter={"attribute": condition}))
            await engine.activate(segments[-1])
        await engine.wait_until_processed()
        await engine.stop_engine()
        customers = api.database.customers
        customer = customers.find_one({"sourceId": "bad"})
        assert customer is not None
        customers.replace_one(
            {"_id": customer["_id"]},
            {**customer, "birthdate": "broken"},
            bypass_document_validation=True,
        )
        bad, good = [
            await client.create(segment, URL, includeCurrentMembers=True) for segment in segments
        ]
        with capture_logs() as logs:
            await client.make_deliveries()
        assert await has_logged(logs, "upkeep of a distribution failed; retrying")
        assert await client.counts(good) == {"PENDING": 1}
        assert await client.counts(bad) == {}
        await assert_fails(client, bad, "member backfill")

        customers.replace_one({"_id": customer["_id"]}, customer)
        await wait_for_repair(client, bad, PENDING=1)


async def test_a_code_backlog_that_fails_does_not_stop_another(
    client: DistributionClient, receiver: Receiver
) -> None:
    await client.api.upsert("ann")
    segment = await client.create_segment("Everybody")
    distributions = []
    for _ in range(2):
        pool = await create_pool(client)
        distributions.append(await client.create(segment, receiver.url(), codePoolId=pool))
    await client.append_entered(segment, "ann")
    await client.make_deliveries()
    bad, good = distributions
    deliveries = client.api.database.deliveries
    key = to_object_id(EntityKind.DISTRIBUTION, bad)
    waiting = deliveries.find_one({"distributionId": key})
    assert waiting is not None
    deliveries.update_one({"_id": waiting["_id"]}, {"$set": {"waiting.payload": b"{"}})
    pools = await client.api.services.code_pools.all()
    for number, code_pool in enumerate(pools):
        await client.change(ADD_CODES, id=code_pool.id, codes=[f"code {number}"])
    for distribution in distributions:
        await client.change(SET_STATE, id=distribution, state="LIVE")
    await client.make_deliveries()
    codes = {id_: (await client.deliveries(id_))[0]["code"] for id_ in distributions}
    assert codes[bad] is None
    assert codes[good] is not None
    await assert_fails(client, bad, "code backlog")

    deliveries.update_one({"_id": waiting["_id"]}, {"$set": {"waiting": waiting["waiting"]}})

    async def has_code() -> bool:
        await client.make_deliveries()
        return (await client.deliveries(bad))[0]["code"] is not None

    await wait_until(has_code)
    await wait_for_repair(client, bad, PENDING=1)
