"""Deliveries and code pools in the status that /metrics and `segments doctor` show."""

from prometheus_client.parser import text_string_to_metric_families

from app.services import health
from tests.deliveries.distribution_client import DistributionClient
from tests.deliveries.receiver import Receiver, answer_status
from tests.deliveries.test_codes import ADD_CODES, create_pool
from tests.referral_client import ReferralClient, tier_input


async def read_metric(client: DistributionClient, name: str) -> list[tuple[dict[str, str], float]]:
    """Returns the labels and the value of each sample."""
    text = (await client.api.http_client.get("/metrics")).text
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == f"segments_{name}"
    ]


async def list_findings(client: DistributionClient) -> dict[str, tuple[str, bool]]:
    """Returns, by subject, the findings of `segments doctor` and whether they are fine."""
    status = await client.api.services.engine_status.read()
    return {
        finding.subject: (finding.state, finding.is_ok) for finding in health.check_status(status)
    }


async def test_pools_that_run_low_and_deliveries_without_a_code_are_shown(
    client: DistributionClient, receiver: Receiver
) -> None:
    assert "code pools" not in await list_findings(client)
    names = [f"c{index}" for index in range(11)]
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    segment = await client.create_segment("Everybody")
    pool = await create_pool(client, *(f"code {index}" for index in range(10)))
    await create_pool(client)  # Nothing uses it.
    await client.create(segment, receiver.url(), codePoolId=pool)
    for count, state, is_ok in (
        (9, "'codes' has 1 of 10 codes left", True),
        (1, "'codes' has 0 of 10 codes left", False),
        (1, "'codes' has 0 of 10 codes left", False),
    ):
        await client.append_entered(segment, *[names.pop() for _ in range(count)])
        await client.make_deliveries()
        assert (await list_findings(client))["code pools"] == (state, is_ok)

    assert await read_metric(client, "deliveries_waiting_for_code") == [({}, 1)]
    labels = {"pool": pool, "name": "codes"}
    assert await read_metric(client, "code_pool_available_codes") == [(labels, 0)]
    findings = await list_findings(client)
    assert "; 1 wait for a code; 1 distributions are paused" in findings["deliveries"][0]
    await client.change(ADD_CODES, id=pool, codes=[f"more {index}" for index in range(5)])
    assert (await list_findings(client))["code pools"] == ("'codes' has 5 of 15 codes left", True)


async def test_a_pool_of_a_referral_tier_is_shown(client: DistributionClient) -> None:
    pool = await create_pool(client)
    await ReferralClient(client.api).create_program(tier_input(codePoolId=pool))

    assert (await list_findings(client))["code pools"] == ("'codes' has 0 of 0 codes left", False)


async def test_a_failing_host_is_shown(client: DistributionClient, receiver: Receiver) -> None:
    await client.api.upsert("ann")
    segment = await client.create_segment("Everybody")
    distribution = await client.create(segment, receiver.url())
    await client.append_entered(segment, "ann")
    await client.make_deliveries()
    assert await read_metric(client, "deliveries_due") == [({}, 1)]
    assert (await list_findings(client))["deliveries"][0].startswith("1 due, the oldest for ")
    receiver.answer = answer_status(500)
    async with client.sending():
        await client.wait_for_counts(distribution, RETRYING=1)

    host = f"127.0.0.1:{receiver.port}"
    assert await read_metric(client, "deliveries_retrying") == [({"host": host}, 1)]
    findings = await list_findings(client)
    assert findings["receivers"] == (f"deliveries are being retried: {host} (1)", False)
    assert findings["deliveries"] == ("0 due", True)
