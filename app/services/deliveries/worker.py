"""Sends deliveries and does the other work of distributions, in a worker process."""

import asyncio

from app.services.consumers import keep_running
from app.services.deliveries.sender import Sender
from app.services.deliveries.upkeep import Upkeep


class DeliveryWorker:
    """Runs beside the consumers of the log. Several may run at a time."""

    def __init__(self, sender: Sender, upkeep: Upkeep) -> None:
        self.sender = sender
        self.upkeep = upkeep

    async def run(self) -> None:
        """Runs until it is cancelled. A task that fails is started again."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(keep_running("delivery sender", self.sender.run))
            tasks.create_task(keep_running("distribution upkeep", self.upkeep.run))
