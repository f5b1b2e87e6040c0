"""Receivers that fail: each delivery ends as the rules say, and no receiver delays another's."""

from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Any

import pytest

from app.domain.deliveries import next_attempt_at
from app.services.deliveries import webhook_client
from app.services.deliveries.endpoints import MAX_CONCURRENT_ATTEMPTS_PER_UNPROVEN_ENDPOINT
from tests.deliveries.distribution_client import (
    RETRY,
    RETRY_ALL,
    SET_STATE,
    DistributionClient,
)
from tests.deliveries.receiver import (
    Answer,
    ReceivedRequest,
    Receiver,
    answer_by_closing,
    answer_endlessly,
    answer_never,
    answer_slowly,
    answer_status,
    running_receiver,
)
from tests.engine.conftest import wait_until

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
_MEASURED_DELIVERIES = 200
_DELIVERIES_AT_A_TIME = 10
# Other processes of the machine only ever add to a latency.
_MAX_MEASUREMENTS = 3


async def make_delivery(client: DistributionClient, url: str, **fields: Any) -> str:
    """Makes one delivery to the URL; returns the id of the distribution."""
    await client.api.upsert("ann")
    return await client.create_with_deliveries(url, "ann", **fields)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (answer_status(500, "out\x00 of  order"), "The receiver answered 500: out of order"),
        (answer_status(302, Location="http://127.0.0.1:1/"), "The receiver answered 302: ok"),
        (answer_endlessly(503), "The receiver answered 503: xxx"),
        (answer_by_closing, "Server disconnected"),
        (answer_never, "There was no answer within 1 seconds."),
        (answer_slowly(2), "There was no answer within 1 seconds."),
    ],
    ids=["error", "redirect", "endless error", "closes", "never", "slow"],
)
async def test_a_failed_attempt_is_retried_with_the_same_id_and_body(
    client: DistributionClient,
    receiver: Receiver,
    answer: Answer,
    error: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(webhook_client, "ATTEMPT_TIMEOUT_SECONDS", 1.0)
    distribution = await make_delivery(client, receiver.url())
    receiver.answer = answer
    async with client.sending():
        await client.wait_for_counts(distribution, RETRYING=1)
        (delivery,) = await client.deliveries(distribution)
        assert delivery["lastError"].startswith(error)
        assert delivery["attempts"] == 1
        delay = datetime.fromisoformat(delivery["nextAttemptAt"]) - datetime.now(UTC)
        assert timedelta(seconds=40) < delay < timedelta(seconds=67)
        receiver.answer = answer_status(204, "")
        client.make_due()
        await client.wait_for_counts(distribution, DELIVERED=1)

    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    (delivery,) = await client.deliveries(distribution)
    assert delivery["lastError"] is None
    assert delivery["attempts"] == 2


@pytest.mark.parametrize("status", [200, 410])
async def test_the_status_counts_although_the_body_never_ends(
    client: DistributionClient, receiver: Receiver, status: int
) -> None:
    distribution = await make_delivery(client, receiver.url())
    receiver.answer = answer_endlessly(status)
    async with client.sending():
        expected = "DELIVERED" if status == 200 else "FAILED"
        await client.wait_for_counts(distribution, **{expected: 1})


async def test_a_sender_that_stops_records_running_attempts(
    client: DistributionClient, receiver: Receiver
) -> None:
    distribution = await make_delivery(client, receiver.url())
    receiver.answer = answer_slowly(0.3)

    async def has_request() -> bool:
        return len(receiver.requests) == 1

    async with client.sending():
        await wait_until(has_request)
    assert await client.counts(distribution) == {"DELIVERED": 1}


async def test_gone_pauses_at_once(client: DistributionClient, receiver: Receiver) -> None:
    distribution = await make_delivery(client, receiver.url())
    receiver.answer = answer_status(410, "no ann@example.com")
    async with client.sending():
        await client.wait_for_counts(distribution, FAILED=1)
        shown = await client.fetch_distribution(distribution)
        assert shown["state"] == "PAUSED"
        assert shown["pausedBecause"] == (
            "The receiver accepts no more deliveries. The receiver answered 410."
        )
        receiver.answer = answer_status(200)
        (delivery,) = await client.deliveries(distribution)
        # The delivery forgets the answer with the customer.
        assert delivery["lastError"] == "The receiver answered 410: no ann@example.com"
        # A retry by hand is sent even now.
        payload = await client.change(RETRY, id=delivery["id"])
        assert payload["delivery"]["status"] == "PENDING"
        await client.wait_for_counts(distribution, DELIVERED=1)
        await client.change(SET_STATE, id=distribution, state="LIVE")
        assert (await client.fetch_distribution(distribution))["pausedBecause"] is None


async def test_after_gone_nothing_more_is_sent(
    client: DistributionClient, receiver: Receiver
) -> None:
    names = [f"c{index}" for index in range(200)]
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    segment = await client.create_segment("Everybody")
    distribution = await client.create(segment, receiver.url())
    await client.append_entered(segment, *names)
    await client.make_deliveries()
    receiver.answer = answer_status(410)
    async with client.sending():

        async def is_recorded() -> bool:
            counts = await client.counts(distribution)
            return bool(receiver.requests) and counts.get("FAILED") == len(receiver.requests)

        await wait_until(is_recorded)
    # Those that were being sent when the first answer came.
    assert len(receiver.requests) <= 16
    assert (await client.fetch_distribution(distribution))["state"] == "PAUSED"


async def test_a_delivery_fails_after_a_day_and_pauses_its_distribution(
    client: DistributionClient, receiver: Receiver
) -> None:
    distribution = await make_delivery(client, receiver.url())
    receiver.answer = answer_status(500)
    async with client.sending():
        await client.wait_for_counts(distribution, RETRYING=1)
        client.make_due(firstAttemptAt=datetime.now(UTC) - timedelta(hours=24))
        await client.wait_for_counts(distribution, FAILED=1)
        shown = await client.fetch_distribution(distribution)
        assert shown["state"] == "PAUSED"
        assert shown["pausedBecause"].startswith("The receiver kept refusing")
        receiver.answer = answer_status(200)
        assert await client.api.fetch(RETRY_ALL, id=distribution, first=10) == 1
        await client.wait_for_counts(distribution, DELIVERED=1)
        assert await client.api.fetch(RETRY_ALL, id=distribution) == 0


async def test_the_time_of_a_pause_does_not_count(
    client: DistributionClient, receiver: Receiver
) -> None:
    distribution = await make_delivery(client, receiver.url())
    receiver.answer = answer_status(503)
    async with client.sending():
        await client.wait_for_counts(distribution, RETRYING=1)
        await client.change(SET_STATE, id=distribution, state="PAUSED")
        two_days_ago = datetime.now(UTC) - timedelta(days=2)
        client.make_due(
            firstAttemptAt=two_days_ago - timedelta(minutes=1), nextAttemptAt=two_days_ago
        )
        await client.change(SET_STATE, id=distribution, state="LIVE")
        await wait_until(lambda: has_attempts(client, distribution, 2))
        assert await client.counts(distribution) == {"RETRYING": 1}
        assert (await client.fetch_distribution(distribution))["state"] == "LIVE"


async def has_attempts(client: DistributionClient, distribution: str, count: int) -> bool:
    (delivery,) = await client.deliveries(distribution)
    return bool(delivery["attempts"] == count)


def test_attempts_are_1_2_4_minutes_apart_for_a_day() -> None:
    attempts, now, instants = 0, NOW, [NOW]
    while True:
        attempts += 1
        retry_at = next_attempt_at(attempts, NOW, now, jitter=0)
        if retry_at is None:
            break
        instants.append(now := retry_at)
    minutes = [round((instant - NOW).total_seconds() / 60) for instant in instants]

    assert minutes == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1440]
    assert next_attempt_at(13, NOW, NOW + timedelta(minutes=1)) is None


async def test_a_bad_receiver_does_not_delay_a_good_one(
    client: DistributionClient, receiver: Receiver
) -> None:
    names = [f"c{index}" for index in range(300)]
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    segment = await client.create_segment("Everybody")
    async with running_receiver() as bad:
        bad.answer = answer_never
        stuck = await client.create(segment, bad.url(host="localhost"))
        good = await client.create(segment, receiver.url())
        await client.append_entered(segment, *names)
        await client.make_deliveries()
        async with client.sending():
            # Far less than a timeout of the bad one.
            await client.wait_for_counts(good, seconds=8, DELIVERED=300)
        assert (await client.counts(stuck)) == {"PENDING": 300}
        assert 1 <= len(bad.requests) <= 16


@pytest.mark.parametrize("at_same_host", [False, True], ids=["other host", "same host"])
async def test_bad_endpoints_at_most_double_the_latency_of_a_good_one(
    client: DistributionClient, receiver: Receiver, at_same_host: bool
) -> None:
    names = [f"c{index}" for index in range(_MEASURED_DELIVERIES)]
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    crowd, segment = [await client.create_segment(name) for name in ("Crowd", "Few")]
    good = await client.create(segment, receiver.url("/good"))

    def good_requests() -> list[ReceivedRequest]:
        return [request for request in receiver.requests if request.path == "/good"]

    async def measure_p99() -> float:
        """Makes a few deliveries at a time; returns the 99th percentile of the seconds until they
        arrive."""
        receiver.requests[:] = [each for each in receiver.requests if each.path != "/good"]
        for start in range(0, len(names), _DELIVERIES_AT_A_TIME):
            end = start + _DELIVERIES_AT_A_TIME
            await client.append_entered(segment, *names[start:end])
            await client.make_deliveries()

            async def has_arrived(count: int = end) -> bool:
                return len(good_requests()) == count

            await wait_until(has_arrived)
        return quantiles(map(_seconds_until_received, good_requests()), n=100)[98]

    async with client.sending():
        alone = await measure_p99()
        # What a stopped sender has not recorded is sent again.
        await client.wait_for_counts(good, DELIVERED=len(names))
    async with running_receiver() as other:
        bad = receiver if at_same_host else other
        bad_paths = [f"/bad/{number}" for number in range(14 if at_same_host else 1)]
        bad.answers = dict.fromkeys(bad_paths, answer_never)
        for path in bad_paths:
            await client.create(crowd, bad.url(path))
        await client.append_entered(crowd, *names)
        await client.make_deliveries()
        async with client.sending():
            for _ in range(_MAX_MEASUREMENTS):
                beside_bad_ones = await measure_p99()
                if beside_bad_ones < 2 * alone:
                    break
        assert {request.path for request in bad.requests} >= set(bad_paths)
    print(f"p99 {alone * 1e3:.0f} ms alone, {beside_bad_ones * 1e3:.0f} ms beside bad endpoints")
    assert beside_bad_ones < 2 * alone


def _seconds_until_received(request: ReceivedRequest) -> float:
    created_at = datetime.fromisoformat(request.json["createdAt"])
    return (request.received_at - created_at).total_seconds()


async def test_many_bad_receivers_do_not_delay_a_good_one(
    client: DistributionClient, receiver: Receiver
) -> None:
    names = [f"c{index}" for index in range(100)]
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    segment = await client.create_segment("Everybody")
    async with AsyncExitStack() as stack:
        for _ in range(8):
            bad = await stack.enter_async_context(running_receiver())
            bad.answer = answer_never
            await client.create(segment, bad.url())
        good = await client.create(segment, receiver.url())
        await client.append_entered(segment, *names)
        await client.make_deliveries()
        async with client.sending():
            await client.wait_for_counts(good, seconds=8, DELIVERED=100)


@pytest.mark.parametrize("bad_answer", [answer_never, answer_slowly(2)], ids=["never", "slowly"])
async def test_bad_endpoints_do_not_delay_a_good_one_at_the_same_host(
    client: DistributionClient,
    receiver: Receiver,
    bad_answer: Answer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No attempt ends by itself before the test does.
    monkeypatch.setattr(webhook_client, "ATTEMPT_TIMEOUT_SECONDS", 600.0)
    names = [f"c{index}" for index in range(200)]
    await client.api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in names])
    segment = await client.create_segment("Everybody")
    bad_paths = [f"/bad/{number}" for number in range(14)]
    receiver.answers = dict.fromkeys(bad_paths, bad_answer)
    for path in bad_paths:
        await client.create(segment, receiver.url(path))
    good = await client.create(segment, receiver.url("/good"))
    await client.append_entered(segment, *names)
    await client.make_deliveries()
    async with client.sending():
        await client.wait_for_counts(good, DELIVERED=len(names))
        requests = Counter(request.path for request in receiver.requests)
    assert requests.pop("/good") == len(names)
    # Each of the others has had its turn.
    assert requests.keys() == set(bad_paths)
    if bad_answer is answer_never:
        assert max(requests.values()) <= MAX_CONCURRENT_ATTEMPTS_PER_UNPROVEN_ENDPOINT


async def test_retries_of_something_unknown_are_not_found(
    client: DistributionClient, receiver: Receiver
) -> None:
    distribution = await make_delivery(client, receiver.url())
    unknown = "dlv_" + "0" * 24
    assert await client.api.list_errors(RETRY, id=unknown) == ["NOT_FOUND id"]
    assert await client.api.list_errors(RETRY, id=distribution) == ["NOT_FOUND id"]
    assert await client.api.list_errors(RETRY_ALL, id="x") == ["NOT_FOUND distributionId"]
    assert await client.api.list_errors(RETRY_ALL, id=distribution, first=0) == ["BAD_REQUEST"]
    assert await client.api.list_errors(RETRY_ALL, id=distribution, first=1001) == ["BAD_REQUEST"]
