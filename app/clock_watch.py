"""Logs jumps of this machine's clock: wrong instants in data are then easy to explain."""

import asyncio
import time
from collections.abc import Callable

import structlog

_CHECK_INTERVAL_SECONDS = 5.0
MIN_JUMP_SECONDS = 1.0
"""A clock that is synchronized gradually deviates by a thousandth of this between two checks."""

log = structlog.get_logger()

SecondsClock = Callable[[], float]


async def watch_clock(
    clock: SecondsClock = time.time,
    monotonic_clock: SecondsClock = time.monotonic,
    interval_seconds: float = _CHECK_INTERVAL_SECONDS,
) -> None:
    """Logs a warning whenever the clock has moved further than the monotonic clock, or less far,
    until it is cancelled. The monotonic clock does not jump, and stands still while the machine is
    suspended."""
    offset_seconds = clock() - monotonic_clock()
    while True:
        await asyncio.sleep(interval_seconds)
        jump_seconds = clock() - monotonic_clock() - offset_seconds
        if abs(jump_seconds) >= MIN_JUMP_SECONDS:
            log.warning(
                "the clock of this machine has jumped, or the machine was suspended",
                jump_seconds=round(jump_seconds, 1),
            )
        offset_seconds += jump_seconds
