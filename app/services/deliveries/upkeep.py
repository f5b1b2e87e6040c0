"""Work on the deliveries of a whole distribution, in pages: one worker at a time does it.

- The deliveries of those who were members when the distribution was created are made.
- The deliveries that lacked a code get one.
- The unfinished deliveries of deleted distributions are canceled.

The progress is in MongoDB, so another worker continues after a kill. All transactions have the
session that the lease names, so that the other worker ends the one that was left open.
"""

import asyncio
from uuid import uuid4

from app.services.deliveries.code_backlog import CodeBacklog
from app.services.deliveries.member_backfill import MemberBackfills
from app.store import Store, Transaction
from app.store.leases import DELIVERY_UPKEEP_LEASE

_POLL_SECONDS = 1.0
_LEASE_SECONDS = 10.0
_CANCELED_PER_PAGE = 1_000
CANCELED_BECAUSE = "The distribution was deleted before this was sent."


class Upkeep:
    """Works through all that is to be done, then looks for more every second."""

    def __init__(
        self, store: Store, member_backfills: MemberBackfills, code_backlog: CodeBacklog
    ) -> None:
        self._store = store
        self._member_backfills = member_backfills
        self._code_backlog = code_backlog
        self._owner = uuid4().hex

    async def run(self) -> None:
        """Runs until it is cancelled."""
        while True:
            await self.run_until_done()
            await asyncio.sleep(_POLL_SECONDS)

    async def run_until_done(self) -> None:
        """Does all that can be done now."""
        async with self._store.session() as session:
            while await self._run_page(session):
                pass

    async def _run_page(self, session: Transaction) -> bool:
        """Does one page of each kind of work, if no other worker does. Returns whether there may be
        more."""
        if not await self._store.leases.acquire(
            DELIVERY_UPKEEP_LEASE, self._owner, _LEASE_SECONDS, session
        ):
            return False
        results = [
            await self._member_backfills.run_page(session),
            await self._code_backlog.run_page(session),
            await self._cancel_page(),
        ]
        return any(results)

    async def _cancel_page(self) -> bool:
        is_unfinished = False
        for id_ in await self._store.distributions.deleted_with_unfinished_deliveries():
            if await self._store.deliveries.cancel(id_, CANCELED_BECAUSE, _CANCELED_PER_PAGE):
                is_unfinished = True
            else:
                await self._store.distributions.set_canceled(id_)
        return is_unfinished
