"""Pausing and resuming again and again: the past intervals are deleted once they are handled."""

from bson import ObjectId

from app.domain.ids import EntityKind
from app.store.ids import to_object_id
from tests.deliveries.distribution_client import SET_STATE, DistributionClient
from tests.deliveries.receiver import Receiver


def count_intervals(client: DistributionClient, distribution: str) -> int:
    key = to_object_id(EntityKind.DISTRIBUTION, distribution)
    row = client.api.database.distributions.find_one({"_id": key})
    assert row is not None
    return len(row["liveIntervals"])


async def enter_and_toggle(client: DistributionClient, segment: str, distribution: str) -> None:
    """Lets a customer enter while the distribution is live, and another while it is paused."""
    await client.append_entered(segment, "live")
    await client.change(SET_STATE, id=distribution, state="PAUSED")
    await client.append_entered(segment, "paused")
    await client.change(SET_STATE, id=distribution, state="LIVE")


async def create_distribution(client: DistributionClient, url: str) -> tuple[str, str]:
    """Returns the ids of a segment and of a distribution for those who enter it."""
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": "live"}, {"sourceId": "paused"}])
    segment = await client.create_segment("Everybody")
    return segment, await client.create(segment, url)


async def test_handled_intervals_are_deleted(
    client: DistributionClient, receiver: Receiver
) -> None:
    segment, distribution = await create_distribution(client, receiver.url())
    for _ in range(5):
        await enter_and_toggle(client, segment, distribution)
        await client.make_deliveries()
        # The first, the last before it was paused, and the present one.
        assert count_intervals(client, distribution) <= 3
    names = [row["customer"]["sourceId"] for row in await client.deliveries(distribution)]
    assert names == ["live"] * 5
    await client.change(SET_STATE, id=distribution, state="PAUSED")
    await client.make_deliveries()
    await client.change(SET_STATE, id=distribution, state="PAUSED")
    assert count_intervals(client, distribution) == 1
    assert (await client.fetch_distribution(distribution))["state"] == "PAUSED"


async def test_intervals_stay_until_they_are_handled(
    client: DistributionClient, receiver: Receiver
) -> None:
    segment, distribution = await create_distribution(client, receiver.url())
    for _ in range(5):
        await enter_and_toggle(client, segment, distribution)
    await client.make_deliveries()
    names = [row["customer"]["sourceId"] for row in await client.deliveries(distribution)]
    assert names == ["live"] * 5


async def test_intervals_without_transitions_are_deleted_at_once(
    client: DistributionClient, receiver: Receiver
) -> None:
    _, distribution = await create_distribution(client, receiver.url())
    for _ in range(5):
        for state in ("PAUSED", "LIVE"):
            await client.change(SET_STATE, id=distribution, state=state)
    assert count_intervals(client, distribution) == 2


async def test_an_interval_stays_while_its_transition_is_in_quarantine(
    client: DistributionClient, receiver: Receiver
) -> None:
    segment, distribution = await create_distribution(client, receiver.url())
    await enter_and_toggle(client, segment, distribution)
    await client.append_entered(segment, "live")
    await client.change(SET_STATE, id=distribution, state="PAUSED")
    await client.make_deliveries()
    quarantine = client.api.database.quarantine
    sequence = await client.api.services.store.transitions.last_sequence()
    row = {"consumer": "deliveries", "transition": {"_id": ObjectId(f"{sequence:024x}")}}
    quarantine.insert_one({"_id": f"deliveries {sequence}", **row})
    await client.change(SET_STATE, id=distribution, state="LIVE")
    assert count_intervals(client, distribution) == 3

    quarantine.delete_one({"_id": f"deliveries {sequence}"})
    await client.change(SET_STATE, id=distribution, state="PAUSED")
    assert count_intervals(client, distribution) == 1
