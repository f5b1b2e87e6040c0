"""Points for those who enter: what the log says, and the earning rules, become the ledger."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from app.domain.loyalty import EarningRule
from app.domain.transitions import Transition
from app.services.accounts import Accounts
from app.services.definitions import grouped
from app.store import Store, Transaction

_Award = tuple[Transition, EarningRule]


class Earning:
    """The loyalty consumer of the transition log."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def handle(self, transaction: Transaction, transitions: Sequence[Transition]) -> None:
        """Gives the points that the rules have for these transitions, which follow each other."""
        if awards := await self._awards(transitions, transaction):
            await self._give(awards, transaction)

    async def _awards(
        self, transitions: Sequence[Transition], transaction: Transaction
    ) -> list[_Award]:
        segments = list({each.crossing.segment_id for each in transitions})
        first = transitions[0].sequence
        rules = await self._store.earning_rules.rewarding(segments, first, transaction)
        return list(_matched(transitions, rules))

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
