"""Which endpoint is attempted next: limits in all, for each host and for each endpoint."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from app.domain.deliveries import ClaimedDelivery, WebhookRequest
from app.services.deliveries import endpoints as module
from app.services.deliveries.endpoints import (
    MAX_CONCURRENT_ATTEMPTS,
    MAX_CONCURRENT_ATTEMPTS_PER_HOST,
    MAX_CONCURRENT_ATTEMPTS_PER_UNPROVEN_ENDPOINT,
    SLOW_ATTEMPT_SECONDS,
    Attempt,
    Claim,
    EndpointKey,
    Endpoints,
    Health,
)

HOST = "shop.example.com"
FAST_SECONDS = 0.1
SLOW_SECONDS = 2 * SLOW_ATTEMPT_SECONDS
LONG = 1e9
DUE_AT = datetime(2026, 3, 29, 12, tzinfo=UTC)


class Sending:
    """Endpoints, their running attempts, and the present instant in seconds."""

    def __init__(self) -> None:
        self.endpoints = Endpoints()
        self.now = 0.0
        self.running: list[Attempt] = []

    def claim(self, distribution: str, count: int, host: str = HOST) -> None:
        for number in range(count):
            content = WebhookRequest(f"https://{host}/{distribution}", {}, b"")
            delivery = ClaimedDelivery(str(number), distribution, content, 0, DUE_AT, None, False)
            self.endpoints.add(Claim(delivery, "owner", LONG))

    def start(self) -> Counter[str]:
        """Starts what may start; returns the number of started attempts by distribution."""
        started = list(self.endpoints.start_attempts(self.now, lambda _: True))
        self.running += started
        return count_by_distribution(started)

    def finish(self, distribution: str, seconds: float, *, is_accepted: bool = True) -> None:
        """Ends the running attempts of the distribution after some seconds."""
        self.now += seconds
        for attempt in [*self.running]:
            if attempt.endpoint.key.distribution_id == distribution:
                self.running.remove(attempt)
                attempt.endpoint.finish(attempt.started_at, self.now, is_accepted=is_accepted)

    def prove(self, *distributions: str, seconds: float = FAST_SECONDS, host: str = HOST) -> None:
        """Lets each endpoint accept one delivery, in so many seconds."""
        for distribution in distributions:
            self.claim(distribution, 1, host)
            self.start()
            self.finish(distribution, seconds)

    @property
    def running_counts(self) -> Counter[str]:
        return count_by_distribution(self.running)


def count_by_distribution(attempts: Sequence[Attempt]) -> Counter[str]:
    return Counter(attempt.endpoint.key.distribution_id for attempt in attempts)


def names(count: int, prefix: str = "bad") -> list[str]:
    return [f"{prefix} {number}" for number in range(count)]


@pytest.fixture
def sending() -> Sending:
    return Sending()


@pytest.mark.parametrize(("seconds", "count"), [(FAST_SECONDS, 16), (SLOW_SECONDS, 14)])
def test_a_proven_endpoint_may_have_all_attempts_of_its_host(
    sending: Sending, seconds: float, count: int
) -> None:
    sending.claim("new", 100)
    assert sending.start() == {"new": MAX_CONCURRENT_ATTEMPTS_PER_UNPROVEN_ENDPOINT}
    sending.finish("new", seconds)
    assert sending.start() == {"new": count}


def test_an_endpoint_that_refuses_is_unproven_again(sending: Sending) -> None:
    sending.prove("shop")
    sending.claim("shop", 1)
    sending.start()
    sending.finish("shop", FAST_SECONDS, is_accepted=False)
    sending.claim("shop", 100)
    assert sending.start() == {"shop": MAX_CONCURRENT_ATTEMPTS_PER_UNPROVEN_ENDPOINT}


@pytest.mark.parametrize(("bad_count", "good_attempts"), [(14, 16), (100, 8)])
def test_endpoints_that_hang_leave_room_at_their_host(
    sending: Sending, bad_count: int, good_attempts: int
) -> None:
    sending.prove("good")
    for bad in names(bad_count):
        sending.claim(bad, 10)
    sending.start()
    sending.now += SLOW_SECONDS
    assert not sending.start()
    sending.claim("good", 100)
    assert sending.start() == {"good": good_attempts}


def test_endpoints_that_answer_slowly_leave_room_at_their_host(sending: Sending) -> None:
    sending.prove("good")
    sending.prove(*names(14), seconds=SLOW_SECONDS)
    for name in ("good", *names(14)):
        sending.claim(name, 100)
    assert sending.start()["good"] == MAX_CONCURRENT_ATTEMPTS_PER_HOST
    counts = sending.running_counts
    assert counts.total() <= 2 * MAX_CONCURRENT_ATTEMPTS_PER_HOST
    assert set(counts.values()) == {1, MAX_CONCURRENT_ATTEMPTS_PER_HOST}


def test_an_endpoint_with_one_slow_answer_is_soon_healthy_beside_those_that_hang(
    sending: Sending,
) -> None:
    sending.prove("good", seconds=SLOW_SECONDS)
    for bad in names(14):
        sending.claim(bad, 10)
    sending.start()
    sending.now += SLOW_SECONDS
    sending.claim("good", 100)
    assert sending.start() == {"good": 1}
    sending.finish("good", FAST_SECONDS)
    assert sending.start() == {"good": MAX_CONCURRENT_ATTEMPTS_PER_HOST}


def test_many_slow_endpoints_leave_room_to_a_healthy_one(sending: Sending) -> None:
    sending.prove("good")
    sending.prove(*names(100), seconds=SLOW_SECONDS)
    for bad in names(100):
        sending.claim(bad, 10)
    sending.start()
    sending.claim("good", 100)
    assert sending.start()["good"] >= MAX_CONCURRENT_ATTEMPTS_PER_HOST // 2


def test_an_endpoint_is_degraded_when_most_of_its_attempts_hang(sending: Sending) -> None:
    sending.prove("good")
    sending.claim("good", 6)
    sending.start()
    sending.now += SLOW_SECONDS / 2
    sending.claim("good", 10)
    sending.start()
    endpoint = sending.running[0].endpoint
    assert endpoint.health(sending.now + 0.4 * SLOW_SECONDS) is Health.HEALTHY
    assert endpoint.health(sending.now + SLOW_SECONDS) is Health.DEGRADED


def test_a_new_endpoint_does_not_wait_for_those_that_hang(sending: Sending) -> None:
    sending.prove(*names(30), seconds=SLOW_SECONDS)
    for bad in names(30):
        sending.claim(bad, 10)
    sending.start()
    sending.now += SLOW_SECONDS
    sending.claim("new", 10)
    assert sending.start() == {"new": MAX_CONCURRENT_ATTEMPTS_PER_UNPROVEN_ENDPOINT}


def test_hosts_that_hang_leave_room_for_others(sending: Sending) -> None:
    sending.prove("good", host="good")
    for bad in names(100):
        sending.claim(bad, 10, host=bad)
        sending.start()
        sending.now += SLOW_SECONDS
    sending.claim("good", 100, host="good")
    assert sending.start() == {"good": MAX_CONCURRENT_ATTEMPTS_PER_HOST}


def test_healthy_endpoints_share_all_attempts(sending: Sending) -> None:
    shops = names(10, "shop")
    for shop in shops:
        sending.prove(shop, host=shop)
    for shop in shops:
        sending.claim(shop, 100, host=shop)
    counts = sending.start()
    assert counts.total() == MAX_CONCURRENT_ATTEMPTS
    assert set(counts.values()) == {6, 7}


def test_those_that_wait_for_longest_come_first(sending: Sending) -> None:
    # More endpoints than attempts: all have their turn before one has another.
    for bad in names(40):
        sending.claim(bad, 10)
    order: list[str] = []
    for _ in range(120):
        order += sending.start()
        sending.finish(next(iter(sending.running_counts)), SLOW_SECONDS, is_accepted=False)
    assert order[:40] == names(40)
    assert set(Counter(order).values()) <= {2, 3, 4}


def test_no_burst_exceeds_the_limits(sending: Sending) -> None:
    # Endpoints that were healthy hang, one after the other.
    shops = names(20, "shop")
    sending.prove(*shops)
    for shop in shops:
        sending.claim(shop, 100)
        sending.start()
        sending.now += SLOW_SECONDS
    assert sending.running_counts.total() == 2 * MAX_CONCURRENT_ATTEMPTS_PER_HOST


def test_expired_and_rejected_claims_are_forgotten(sending: Sending) -> None:
    sending.prove("shop")
    sending.claim("shop", 5)
    assert not list(sending.endpoints.start_attempts(2 * LONG, lambda _: True))
    sending.claim("shop", 5)
    assert not list(sending.endpoints.start_attempts(sending.now, lambda _: False))
    assert sending.endpoints.claimed_count == 0


def test_each_endpoint_has_its_share_of_the_claims(sending: Sending) -> None:
    bad_keys = [EndpointKey(HOST, bad) for bad in names(50)]
    good, idle, new = (EndpointKey(HOST, name) for name in ("good", "idle", "new"))
    sending.prove("good", "idle")
    sending.prove(*names(50), seconds=SLOW_SECONDS)
    limits = sending.endpoints.claim_limits([*bad_keys, good, idle, new], sending.now)
    assert [*limits] == [good, idle, new, *bad_keys]
    assert limits[good] == limits[idle] > 50
    assert 0 < limits[new] < 10
    assert {limits[key] for key in bad_keys} == {2}
    # One that holds all of its share leaves that of another.
    sending.claim("idle", limits[idle])
    assert sending.endpoints.claim_limits([good, idle], sending.now) == {good: limits[good]}
    sending.claim("good", limits[good] // 3)
    rest = {good: limits[good] - limits[good] // 3}
    assert sending.endpoints.claim_limits([good, idle], sending.now) == rest


def test_claims_are_bounded_however_many_endpoints_there_are(sending: Sending) -> None:
    shops = names(1_000, "shop")
    sending.prove(*shops)
    keys = [EndpointKey(HOST, shop) for shop in shops]
    assert set(sending.endpoints.claim_limits(keys, sending.now).values()) == {2}


def test_an_endpoint_that_refuses_gives_up_claims(sending: Sending) -> None:
    sending.prove("shop")
    sending.claim("shop", 100)
    sending.start()
    first, second, *_ = sending.running
    endpoint = first.endpoint
    assert not endpoint.finish(first.started_at, sending.now, is_accepted=True)
    assert not endpoint.needs_more
    given_up = endpoint.finish(second.started_at, sending.now, is_accepted=False)
    assert len(given_up) + endpoint.claimed_count == 98
    assert len(endpoint.running) == endpoint.claimed_count == 14
    assert {claim.delivery.id for claim in given_up} == {str(number) for number in range(16, 100)}


def test_many_idle_endpoints_are_forgotten(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_IDLE_ENDPOINTS", 3)
    sending.prove(*names(5, "idle"))
    sending.claim("busy", 100)
    sending.endpoints.forget_idle()
    assert sending.endpoints.claimed_count == 100
    # It is new again.
    sending.claim("idle 0", 100)
    assert sending.start()["idle 0"] == MAX_CONCURRENT_ATTEMPTS_PER_UNPROVEN_ENDPOINT
