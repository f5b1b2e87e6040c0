"""A jump of the clock is logged once."""

import asyncio

import pytest
import structlog

from app.clock_watch import watch_clock

CHECKS = 3


@pytest.mark.parametrize(
    ("jump_seconds", "logged_seconds"),
    [(3_600.0, [3_600.0]), (-90.0, [-90.0]), (0.5, [])],
    ids=["forward", "back", "small"],
)
async def test_a_jump_is_logged(jump_seconds: float, logged_seconds: list[float]) -> None:
    checks_after_jump, is_done = 0, asyncio.Event()

    def read_clock() -> float:
        """Jumps after the first reading."""
        nonlocal checks_after_jump
        checks_after_jump += 1
        if checks_after_jump > CHECKS:
            is_done.set()
        return jump_seconds if checks_after_jump > 1 else 0.0

    with structlog.testing.capture_logs() as entries:
        task = asyncio.create_task(watch_clock(read_clock, lambda: 0.0, interval_seconds=0))
        await is_done.wait()
        task.cancel()
        await asyncio.wait({task})

    assert [entry["jump_seconds"] for entry in entries] == logged_seconds
