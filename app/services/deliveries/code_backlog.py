"""Gives codes to the deliveries that lacked one, once their distribution is LIVE again."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from app.domain.deliveries import Content, Skipped
from app.services.definitions_reader import DefinitionsReader
from app.services.deliveries.content import ContentMaker
from app.services.deliveries.pausing import pause_without_codes
from app.services.deliveries.upkeep_failures import UpkeepFailures
from app.store import Store, Transaction
from app.store.code_pools import claim_key

_DELIVERIES_PER_PAGE = 500


class CodeBacklog:
    """Works on the distributions that are LIVE and have deliveries without a code."""

    def __init__(
        self,
        store: Store,
        definitions: DefinitionsReader,
        content_maker: ContentMaker,
        failures: UpkeepFailures,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._failures = failures
        self._definitions = definitions
        self._content_maker = content_maker
        self._clock = clock

    async def run_page(self, session: Transaction) -> bool:
        """Handles a page of each distribution, in transactions of the session. Returns whether
        there may be more."""
        waiting_ids = await self._store.deliveries.distributions_waiting_for_codes()
        if not waiting_ids:
            return False
        distributions = (await self._definitions.latest()).distributions
        results = [
            await self._failures.run(
                "code backlog", id_, partial(self._run_page_of, id_, pool_id, session)
            )
            for id_ in waiting_ids
            if (distribution := distributions.get(id_))
            and distribution.is_live
            and (pool_id := distribution.code_pool_id)
        ]
        return any(results)

    async def _run_page_of(self, distribution_id: str, pool_id: str, session: Transaction) -> bool:
        async def work(transaction: Transaction) -> bool:
            current = await self._store.distributions.get_progress(distribution_id, transaction)
            if (
                current is None
                or not current.distribution.is_live
                or current.distribution.code_pool_id != pool_id
            ):
                return False
            waiting = await self._store.deliveries.waiting_for_code(
                distribution_id, _DELIVERIES_PER_PAGE, transaction
            )
            codes = await self._store.code_pools.claim(pool_id, len(waiting), transaction)
            assigned: dict[str, tuple[str, Content]] = {}
            for (id_, parts), code in zip(waiting.items(), codes, strict=False):
                content = self._content_maker.make(parts.channel, {**parts.payload, "code": code})
                assert not isinstance(content, Skipped), (
                    "a delivery without an address does not wait"
                )
                assigned[id_] = code, content
            await self._store.deliveries.set_codes(assigned, self._clock(), transaction)
            if len(codes) < len(waiting):
                await pause_without_codes(
                    self._store, self._definitions, pool_id, [distribution_id], transaction
                )
                return False
            return len(waiting) == _DELIVERIES_PER_PAGE

        return await self._store.transaction(work, session, keys=[claim_key(pool_id)])
