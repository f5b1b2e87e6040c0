"""Keeps parts running: started, started again when they die, stopped in order."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from app.backoff import Backoff
from app.errors import Unusable

_LOOK_SECONDS = 0.1
_STEADY_SECONDS = 30.0


class Part(Protocol):
    name: str

    @property
    def status(self) -> int | None: ...
    def start(self) -> None: ...
    def ready(self) -> None: ...
    def ending(self) -> str: ...
    def stop(self, seconds: float) -> None: ...


async def bring_up(parts: Sequence[Part]) -> None:
    """Side by side; back when all are ready."""
    for part in parts:
        # Here and in no other thread: the kernel ends a part when the thread that forked it ends.
        part.start()
    async with asyncio.TaskGroup() as waiting:
        for part in parts:
            waiting.create_task(asyncio.to_thread(part.ready))


async def keep_alive(part: Part, say: Callable[[str], None]) -> None:
    clock = asyncio.get_running_loop().time
    backoff = Backoff(first=0.25, longest=15)
    while True:
        began = clock()
        while part.status is None:  # noqa: ASYNC110 - a process sets no Event
            await asyncio.sleep(_LOOK_SECONDS)
        if clock() - began > _STEADY_SECONDS:
            backoff.reset()
        say(f"{part.name} ended with {part.ending()}; starting it again in {backoff.seconds:g} s")
        await backoff.wait()
        try:
            await bring_up([part])
            say(f"{part.name} is back")
        except* Unusable as problems:
            say("; ".join(map(str, problems.exceptions)))


async def stop_together(parts: Sequence[Part], seconds: float) -> None:
    await asyncio.gather(*(asyncio.to_thread(part.stop, seconds) for part in parts))
