"""Measures how long the event loop is blocked: a callback that is due runs that much later."""

import asyncio

from prometheus_client import Gauge

_CHECK_INTERVAL_SECONDS = 0.05
_WINDOW_SECONDS = 30.0

_worst_delay_gauge = Gauge(
    "segments_event_loop_worst_delay_seconds",
    "The longest delay of the event loop in the last 30 to 60 seconds.",
)


async def watch_event_loop() -> None:
    """Keeps the metric up to date until it is cancelled."""
    loop = asyncio.get_running_loop()
    previous_worst = worst = 0.0
    window_ends_at = loop.time() + _WINDOW_SECONDS
    while True:
        due_at = loop.time() + _CHECK_INTERVAL_SECONDS
        await asyncio.sleep(_CHECK_INTERVAL_SECONDS)
        now = loop.time()
        if now > window_ends_at:
            previous_worst, worst = worst, 0.0
            window_ends_at = now + _WINDOW_SECONDS
        worst = max(worst, now - due_at)
        _worst_delay_gauge.set(max(worst, previous_worst))
