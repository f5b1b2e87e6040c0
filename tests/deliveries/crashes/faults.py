"""Faults of the crash test: kills of processes, and the loss of all that Valkey holds."""

import asyncio
import random

from tests.engine.model.cluster import Cluster

_MIN_PAUSE_SECONDS = 0.2
_MAX_PAUSE_SECONDS = 1.2
# Each ten faults have all kinds.
_KINDS = (*["worker"] * 6, *["mongod"] * 2, "valkey", "flush")


class FaultProgress:
    """How many of the faults have happened, so that the workload can keep pace with them."""

    def __init__(self, fault_count: int) -> None:
        self._fault_count = fault_count
        self._done_count = 0
        self._changed = asyncio.Event()

    def advance(self) -> None:
        """Counts one more fault."""
        self._done_count += 1
        self._changed.set()

    async def wait_for_share(self, share: float) -> None:
        """Waits until this share of the faults has happened, from 0 to 1."""
        while self._done_count < share * self._fault_count:
            self._changed.clear()
            await self._changed.wait()


async def inject_faults(
    cluster: Cluster, fault_count: int, rng: random.Random, progress: FaultProgress
) -> None:
    """Injects the faults, one after the other, with random pauses. Restarts what it has killed."""
    kinds: list[str] = []
    while len(kinds) < fault_count:
        kinds += rng.sample(_KINDS, len(_KINDS))
    for kind in kinds[:fault_count]:
        await asyncio.sleep(rng.uniform(_MIN_PAUSE_SECONDS, _MAX_PAUSE_SECONDS))
        await cluster.restart_exited_workers()
        match kind:
            case "worker":
                await cluster.kill_worker(rng)
            case "mongod":
                await cluster.kill_mongod(rng)
            case "valkey":
                await cluster.kill_valkey(rng)
            case _:
                await cluster.flush_valkey()
        progress.advance()
