"""Which claimed delivery is attempted next, so that no endpoint delays another.

An endpoint is healthy if it accepts deliveries quickly, and degraded if it refuses, answers slowly
or not at all. Those that are not healthy have limits of their own, in all and for each host, so
that however many there are, they leave room for the healthy ones.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from app.domain.deliveries import ClaimedDelivery

MAX_CONCURRENT_ATTEMPTS = 64
# To the healthy endpoints of one host. All endpoints of a host get at most twice as many.
MAX_CONCURRENT_ATTEMPTS_PER_HOST = 16
# To the endpoints of one host that are not healthy; to those of all hosts at most twice as many.
_MAX_UNHEALTHY_ATTEMPTS_PER_HOST = 14
# The same for the next attempt to an endpoint that has no running one: if it accepts deliveries,
# though slowly, or if it is new. So it is soon healthy, even beside many that do not answer.
_MAX_UNHEALTHY_ATTEMPTS_PER_HOST_BEFORE_SLOW = 22
_MAX_UNHEALTHY_ATTEMPTS_PER_HOST_BEFORE_NEW = 24
# An endpoint that is new, or that refused the last delivery, gets one attempt at a time.
MAX_CONCURRENT_ATTEMPTS_PER_UNPROVEN_ENDPOINT = 1
SLOW_ATTEMPT_SECONDS = 1.0
# Deliveries that are claimed ahead, for each attempt at a time, so that no healthy endpoint waits
# for MongoDB. Others would hold more of them than they attempt before the leases end.
_CLAIMS_PER_HEALTHY_ATTEMPT = 8
_CLAIMS_PER_UNHEALTHY_ATTEMPT = 2
_MIN_CLAIMS_PER_ENDPOINT = 2
# Endpoints that are remembered although nothing is being sent to them.
_MAX_IDLE_ENDPOINTS = 1_000


class Claim(NamedTuple):
    """A claimed delivery. Its attempt must start before `expires_at`, by the monotonic clock."""

    delivery: ClaimedDelivery
    owner: str
    expires_at: float


class EndpointKey(NamedTuple):
    """What identifies an endpoint: a host, with its port, and a distribution that sends there."""

    host: str
    distribution_id: str


class Health(IntEnum):
    """HEALTHY, DEGRADED: as the last attempt shows, or those that have been running for long. NEW:
    nothing is known of the endpoint yet."""

    HEALTHY = 1
    NEW = 2
    DEGRADED = 3


# In all, for the endpoints of each kind.
_MAX_CLAIMS = {Health.HEALTHY: 256, Health.NEW: 128, Health.DEGRADED: 128}


class Endpoint:
    """The claims of one distribution for one host, and its running attempts."""

    def __init__(self, key: EndpointKey) -> None:
        self.key = key
        self.claims: deque[Claim] = deque()
        # The start of each running attempt, oldest first.
        self.running: list[float] = []
        self.last_started_at = 0.0
        # Whether the last attempt reached a receiver that accepts deliveries.
        self.is_proven = False
        self._last_health = Health.NEW

    def health(self, now: float) -> Health:
        """Returns how the endpoint does at this instant of the monotonic clock."""
        # Most of the attempts: a single one may be slow anywhere.
        middle = len(self.running) // 2
        is_slow = bool(self.running) and now - self.running[middle] > SLOW_ATTEMPT_SECONDS
        return Health.DEGRADED if is_slow else self._last_health

    @property
    def max_attempts(self) -> int:
        return (
            MAX_CONCURRENT_ATTEMPTS_PER_HOST
            if self.is_proven
            else MAX_CONCURRENT_ATTEMPTS_PER_UNPROVEN_ENDPOINT
        )

    @property
    def claimed_count(self) -> int:
        return len(self.claims) + len(self.running)

    @property
    def max_claimed(self) -> int:
        is_healthy = self._last_health is Health.HEALTHY
        return self.max_attempts * (
            _CLAIMS_PER_HEALTHY_ATTEMPT if is_healthy else _CLAIMS_PER_UNHEALTHY_ATTEMPT
        )

    @property
    def needs_more(self) -> bool:
        """Whether fewer deliveries than half of the limit are claimed."""
        return self.claimed_count < self.max_claimed // 2

    @property
    def can_start(self) -> bool:
        """Whether a claim waits, and the limit of the endpoint allows one more attempt."""
        return bool(self.claims) and len(self.running) < self.max_attempts

    @property
    def turn(self) -> tuple[int, float]:
        """The sort key of the endpoints that can start: the lowest is next."""
        return len(self.running), self.last_started_at

    def start(self, now: float) -> None:
        self.running.append(now)
        self.last_started_at = now

    def finish(self, started_at: float, now: float, *, is_accepted: bool) -> list[Claim]:
        """Ends an attempt. If it failed, gives up the claims beyond the limit, and returns them."""
        self.running.remove(started_at)
        self.is_proven = is_accepted
        is_quick = now - started_at <= SLOW_ATTEMPT_SECONDS
        self._last_health = Health.HEALTHY if is_accepted and is_quick else Health.DEGRADED
        excess_count = 0 if is_accepted else self.claimed_count - self.max_claimed
        return [self.claims.pop() for _ in range(min(excess_count, len(self.claims)))]


class Attempt(NamedTuple):
    """A running attempt, with its start by the monotonic clock."""

    endpoint: Endpoint
    claim: Claim
    started_at: float


class _Load:
    """The running attempts at one instant, by host and health of their endpoints."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._counts = dict.fromkeys(Health, 0)
        self._host_counts: dict[str, dict[Health, int]] = {}

    @property
    def is_full(self) -> bool:
        """Whether there are as many attempts as there may be in all."""
        return sum(self._counts.values()) >= MAX_CONCURRENT_ATTEMPTS

    def add(self, endpoint: Endpoint, count: int) -> None:
        health = endpoint.health(self._now)
        self._counts[health] += count
        self._counts_of_host(endpoint)[health] += count

    def has_room(self, endpoint: Endpoint) -> bool:
        """Whether the limits of the host and of its kind allow one more attempt to the endpoint."""
        health, host_counts = endpoint.health(self._now), self._counts_of_host(endpoint)
        # Endpoints that become degraded while attempts are running may exceed their part.
        if sum(host_counts.values()) >= 2 * MAX_CONCURRENT_ATTEMPTS_PER_HOST:
            return False
        if health is Health.HEALTHY:
            return host_counts[health] < MAX_CONCURRENT_ATTEMPTS_PER_HOST
        if health is Health.NEW:
            limit = _MAX_UNHEALTHY_ATTEMPTS_PER_HOST_BEFORE_NEW
        elif endpoint.is_proven and not endpoint.running:
            limit = _MAX_UNHEALTHY_ATTEMPTS_PER_HOST_BEFORE_SLOW
        else:
            limit = _MAX_UNHEALTHY_ATTEMPTS_PER_HOST
        host_count = host_counts[Health.NEW] + host_counts[Health.DEGRADED]
        count = self._counts[Health.NEW] + self._counts[Health.DEGRADED]
        return host_count < limit and count < 2 * limit

    def _counts_of_host(self, endpoint: Endpoint) -> dict[Health, int]:
        host = endpoint.key.host
        if host not in self._host_counts:
            self._host_counts[host] = dict.fromkeys(Health, 0)
        return self._host_counts[host]


class Endpoints:
    """The endpoints with claims or running attempts, and idle ones that are remembered."""

    def __init__(self) -> None:
        self._endpoints: dict[EndpointKey, Endpoint] = {}

    def add(self, claim: Claim) -> None:
        delivery = claim.delivery
        key = EndpointKey(delivery.content.host, delivery.distribution_id)
        self._endpoints.setdefault(key, Endpoint(key)).claims.append(claim)

    def full_keys(self, distribution_id: str | None) -> list[EndpointKey]:
        """The endpoints of the distribution, or of all if None, for which enough deliveries are
        claimed."""
        return [
            key
            for key, endpoint in self._endpoints.items()
            if distribution_id in (None, key.distribution_id) and not endpoint.needs_more
        ]

    @property
    def claimed_count(self) -> int:
        return sum(endpoint.claimed_count for endpoint in self._endpoints.values())

    def claim_limits(self, keys: Iterable[EndpointKey], now: float) -> dict[EndpointKey, int]:
        """Returns how many deliveries to claim for those of the endpoints that need more, healthy
        ones first. `keys` are all endpoints with due deliveries, claimed ones included.

        Each has its share of the claims of its kind, so that none waits for those of another.
        """
        by_health: dict[Health, list[Endpoint]] = {health: [] for health in Health}
        for key in keys:
            endpoint = self._endpoints.get(key) or Endpoint(key)
            by_health[endpoint.health(now)].append(endpoint)
        limits = {}
        for health, endpoints in by_health.items():
            for endpoint in endpoints:
                share = max(_MIN_CLAIMS_PER_ENDPOINT, _MAX_CLAIMS[health] // len(endpoints))
                limit = min(share, endpoint.max_claimed)
                if endpoint.claimed_count < limit // 2:
                    limits[endpoint.key] = limit - endpoint.claimed_count
        return limits

    def start_attempts(
        self, now: float, may_send: Callable[[ClaimedDelivery], bool]
    ) -> Iterator[Attempt]:
        """Starts as many attempts as the limits allow: first to the endpoints with the fewest
        running ones, and among these to the one that has waited for longest.

        Forgets claims that have expired or that `may_send` rejects; they are claimed again.
        """
        load = _Load(now)
        waiting = []
        for number, endpoint in enumerate(self._endpoints.values()):
            if endpoint.running:
                load.add(endpoint, len(endpoint.running))
            if endpoint.can_start:
                waiting.append((endpoint.turn, number, endpoint))
        heapify(waiting)
        while waiting and not load.is_full:
            _, number, endpoint = heappop(waiting)
            if not load.has_room(endpoint):
                # Nor will there be room before an attempt ends.
                continue
            claim = endpoint.claims.popleft()
            if now <= claim.expires_at and may_send(claim.delivery):
                endpoint.start(now)
                load.add(endpoint, 1)
                yield Attempt(endpoint, claim, now)
            if endpoint.can_start:
                heappush(waiting, (endpoint.turn, number, endpoint))

    def forget_idle(self) -> None:
        """Forgets the endpoints without claims and attempts, if there are many."""
        if len(self._endpoints) > _MAX_IDLE_ENDPOINTS:
            self._endpoints = {
                key: endpoint for key, endpoint in self._endpoints.items() if endpoint.claimed_count
            }
