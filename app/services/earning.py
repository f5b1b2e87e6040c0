"""Points for those who enter: what the log says, and the earning rules, become the ledger."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from uuid import uuid4

from app.domain.loyalty import EarningRule
from app.domain.transitions import Transition
from app.services.accounts import Accounts
from app.services.definitions import grouped
from app.services.waking import keep_reading, woken
from app.store import Store, Transaction
from app.store.places import LOYALTY

_POLL_SECONDS = 1.0
# What comes so close together earns in one transaction: each also changes customers, of whom the
# engine then hears. So long is it waited between two batches that are not full, too.
_GATHER_SECONDS = 0.05
# So long another is let finish who writes the same.
_PATIENCE_SECONDS = 0.02


_Award = tuple[Transition, EarningRule]


class Earning:
    """A reader of the log, with a place of its own in it. The place moves in the transaction that
    writes what was earned up to there: each transition has its effect once, whoever is killed.

    One worker reads at a time. That is a courtesy to those whose work would be in vain, and no
    more: also where two read at once, one of them moves the place.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime], largest: int = 512) -> None:
        self._store = store
        self._clock = clock
        self._largest = self._most = largest
        self._worker = uuid4().hex

    async def run(self, wake: asyncio.Event) -> None:
        """For ever: looks at the log each second, and soon when woken."""

        async def rest() -> None:
            await woken(wake, _POLL_SECONDS)
            await asyncio.sleep(_GATHER_SECONDS)

        await keep_reading(self.run_once, rest, "no points are given")

    async def run_once(self) -> bool:
        """Takes the next batch of the log, and says whether there may be more; there is none for
        this worker while another one reads."""
        if await self._store.transitions.end() <= await self._store.places.get(LOYALTY):
            return False
        try:
            async with self._store.session() as session:
                mine = await self._store.places.claim(LOYALTY, self._worker, session)
                return mine and await self._read_on(session)
        finally:
            await self._store.places.release(LOYALTY, self._worker)

    async def _read_on(self, session: Transaction) -> bool:
        again = False

        async def work(transaction: Transaction) -> bool:
            nonlocal again
            if again:
                # Others write these customers. The less is done at once, the sooner it is through.
                self._most = max(1, self._most // 2)
                await asyncio.sleep(_PATIENCE_SECONDS)
            again = True
            return await self._take(transaction)

        taken = await self._store.transaction(work, session)
        self._most = min(self._largest, self._most * 2)
        return taken

    async def _take(self, transaction: Transaction) -> bool:
        """All is read as of one instant, at which every rule is there that covers these
        transitions: rules are made and ended while the log stands still."""
        place = await self._store.places.get(LOYALTY, transaction)
        batch = await self._store.transitions.after(place, self._most, transaction=transaction)
        if not batch:
            return False
        if not await self._store.places.move(LOYALTY, place, batch[-1].sequence, transaction):
            return True
        awards = await self._awards(place, batch, transaction)
        if awards:
            await self._give(awards, transaction)
        return len(batch) == self._most

    async def _awards(
        self, place: int, batch: Sequence[Transition], transaction: Transaction
    ) -> list[_Award]:
        segments = list({each.crossing.segment_id for each in batch})
        rules = await self._store.earning_rules.rewarding(segments, place, transaction)
        return list(_matched(batch, rules))

    async def _give(self, awards: Sequence[_Award], transaction: Transaction) -> None:
        customers = list({transition.crossing.customer_id for transition, _ in awards})
        accounts = await Accounts.load(self._store, customers, self._clock(), transaction)
        limited = list({rule.id for _, rule in awards if rule.max_per_customer is not None})
        times = await self._store.ledger.times(limited, customers, transaction) if limited else {}
        for transition, rule in awards:
            customer = transition.crossing.customer_id
            document = accounts.document(customer)
            time = times.get((rule.id, customer), 0) + 1
            if document is None or (rule.max_per_customer or time) < time:
                continue
            points = rule.points.of(document)
            program, ids = rule.program_id, {"rule_id": rule.id, "transition_id": transition.id}
            if accounts.give(customer, program, points, **ids):
                times[rule.id, customer] = time
        await accounts.save(self._store, transaction)


def _matched(transitions: Sequence[Transition], rules: Sequence[EarningRule]) -> Iterator[_Award]:
    """Which rule rewards which transition, in the order of the log."""
    by_segment = grouped(rules, lambda rule: rule.segment_id)
    for transition in transitions:
        for rule in by_segment.get(transition.crossing.segment_id, ()):
            if rule.rewards(transition):
                yield transition, rule
