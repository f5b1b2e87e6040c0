"""Work on the deliveries of a whole distribution, in pages: one worker at a time does it.

- The deliveries of those who were members when the distribution was created are made.
- The deliveries that lacked a code get one.
- The unfinished deliveries of deleted distributions are canceled.

An error in the work on one distribution does not stop that on the others. The progress is in
MongoDB, so another worker continues after a kill. All transactions have the session that the lease
names, so that the other worker ends the one that was left open.
"""

import asyncio
from functools import partial
from uuid import uuid4

from app.services.deliveries.code_backlog import CodeBacklog
from app.services.deliveries.member_backfill import MemberBackfills
from app.services.deliveries.upkeep_failures import UpkeepFailures
from app.store import Store, Transaction
from app.store.leases import DELIVERY_UPKEEP_LEASE

_POLL_SECONDS = 1.0
_LEASE_SECONDS = 10.0
_CANCELED_PER_PAGE = 1_000
CANCELED_BECAUSE = "The distribution was deleted before this was sent."


class Upkeep:
    """Works through all that is to be done, then looks for more every second."""

    def __init__(
        self,
        store: Store,
        member_backfills: MemberBackfills,
        code_backlog: CodeBacklog,
        failures: UpkeepFailures,
    ) -> None:
        self._store = store
        self._member_backfills = member_backfills
        self._code_backlog = code_backlog
        self._failures = failures
        self._owner = uuid4().hex
        self._has_lease = False

    async def run(self) -> None:
        """Runs until it is cancelled."""
        async with self._store.session() as session:
            while True:
                await self._run_until_done(session)
                await asyncio.sleep(_POLL_SECONDS)

    async def run_until_done(self) -> None:
        """Does all that can be done now."""
        async with self._store.session() as session:
            await self._run_until_done(session)

    async def _run_until_done(self, session: Transaction) -> None:
        while await self._run_page(session):
            pass

    async def _run_page(self, session: Transaction) -> bool:
        """Does one page of each kind of work, if no other worker does. Returns whether there may be
        more."""
        had_lease, self._has_lease = self._has_lease, False
        if not await self._store.leases.acquire(
            DELIVERY_UPKEEP_LEASE, self._owner, _LEASE_SECONDS, session
        ):
            return False
        if not had_lease:
            # Those that the worker before has recorded.
            await self._failures.forget()
        self._has_lease = True
        results = [
            await self._member_backfills.run_page(session),
            await self._code_backlog.run_page(session),
            await self._cancel_page(),
        ]
        return any(results)

    async def _cancel_page(self) -> bool:
        results = [
            await self._failures.run("cancellation", id_, partial(self._cancel_page_of, id_))
            for id_ in await self._store.distributions.deleted_with_unfinished_deliveries()
        ]
        return any(results)

    async def _cancel_page_of(self, distribution_id: str) -> bool:
        canceled_count = await self._store.deliveries.cancel(
            distribution_id, CANCELED_BECAUSE, _CANCELED_PER_PAGE
        )
        if not canceled_count:
            await self._store.distributions.set_canceled(distribution_id)
        return bool(canceled_count)
