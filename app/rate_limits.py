"""The rate of each key, as a token bucket in Redis that all API processes share.

A key has a bucket of points, which fills up at a constant rate. Each operation takes its cost. A
process takes points in advance, so that few operations wait for Redis. What an operation takes
beyond its cost is a debt: the next operation of the key in this process takes it from the bucket,
which may become negative. Without Redis no operation is refused.
"""

from collections import OrderedDict

from redis.asyncio import Redis

from app.redis_breaker import RedisBreaker, RedisUnavailable

BUCKET_SECONDS = 10
"""An empty bucket is full again after this time."""

MAX_KEYS_IN_ADVANCE = 1_000
"""A process holds points of at most this many keys: of those that spent last."""

_ADVANCE_SECONDS = 0.1

# Takes the debt in any case. Returns the points that were taken besides, and the milliseconds until
# there are enough if it took none.
_TAKE_SCRIPT = """
local rate, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local needed, wanted, debt = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local bucket = redis.call('HMGET', KEYS[1], 'points', 'at')
local points = capacity
if bucket[1] then
  local elapsed = math.max(0, now - tonumber(bucket[2]))
  points = math.min(capacity, tonumber(bucket[1]) + elapsed * rate / 1000)
end
points = points - debt
local taken = 0
if points >= needed then taken = math.floor(math.min(points, wanted)) end
redis.call('HSET', KEYS[1], 'points', tostring(points - taken), 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - points + taken) / rate * 1000) + 1000)
if taken > 0 then return {taken, 0} end
return {0, math.ceil((needed - points) / rate * 1000)}
"""


class RateLimiter:
    """Limits the points that each key spends: `points_per_second`, and at once at most ten seconds
    of them, or one operation with the maximum cost."""

    def __init__(
        self,
        redis: Redis,
        breaker: RedisBreaker,
        database: str,
        points_per_second: int,
        max_operation_cost: int,
    ) -> None:
        self._breaker = breaker
        self._take = redis.register_script(_TAKE_SCRIPT)
        self._key_prefix = f"segments:{database}:points:"
        self._points_per_second = points_per_second
        self._capacity = max(points_per_second * BUCKET_SECONDS, max_operation_cost)
        # A negative number is a debt.
        self._points_in_advance: OrderedDict[str, int] = OrderedDict()

    async def spend(self, key: str, points: int) -> float | None:
        """Takes the points of an operation from the bucket of the key. Returns None, or in how many
        seconds there are enough."""
        points_in_advance = self._points_in_advance.get(key, 0)
        if points > points_in_advance:
            debt = max(-points_in_advance, 0)
            if debt:
                # An operation that begins meanwhile must not take it again.
                self._add(key, debt)
            wait_seconds = await self._refill(key, points - max(points_in_advance, 0), debt)
            if wait_seconds is not None:
                return wait_seconds
        self._add(key, -points)
        return None

    def charge(self, key: str, points: int) -> None:
        """Takes points that an operation needed beyond its cost."""
        self._add(key, -points)

    async def _refill(self, key: str, needed_points: int, debt: int) -> float | None:
        wanted_points = needed_points + round(self._points_per_second * _ADVANCE_SECONDS)
        arguments = (self._points_per_second, self._capacity, needed_points, wanted_points, debt)
        try:
            taken_points, wait_milliseconds = await self._breaker.call(
                lambda: self._take(keys=[self._key_prefix + key], args=arguments)
            )
        except RedisUnavailable:
            # Nobody is refused.
            self._add(key, needed_points)
            return None
        if not taken_points:
            return float(wait_milliseconds) / 1_000
        self._add(key, int(taken_points))
        return None

    def _add(self, key: str, points: int) -> None:
        """Adds points that were taken in advance; a negative number spends them."""
        self._points_in_advance[key] = self._points_in_advance.get(key, 0) + points
        self._points_in_advance.move_to_end(key)
        if len(self._points_in_advance) > MAX_KEYS_IN_ADVANCE:
            self._points_in_advance.popitem(last=False)
