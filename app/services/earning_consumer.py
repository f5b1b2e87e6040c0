"""The loyalty consumer: grants points for transitions by the earning rules."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from app.domain.loyalty import EarningRule
from app.domain.transitions import Transition
from app.services.definitions import group_rules
from app.services.loyalty_accounts import LoyaltyAccounts
from app.store import Store, Transaction

_Award = tuple[Transition, EarningRule]


class EarningConsumer:
    """Writes ledger entries for the transitions that earning rules reward."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def handle(self, transaction: Transaction, transitions: Sequence[Transition]) -> None:
        """Grants the points for these consecutive transitions, in the given transaction."""
        if awards := await self._find_awards(transitions, transaction):
            await self._award_points(awards, transaction)

    async def _find_awards(
        self, transitions: Sequence[Transition], transaction: Transaction
    ) -> list[_Award]:
        segment_ids = list({transition.details.segment_id for transition in transitions})
        first_sequence = transitions[0].sequence
        rules = await self._store.earning_rules.in_force_since(
            segment_ids, first_sequence, transaction
        )
        return list(_match_rules(transitions, rules))

    async def _award_points(self, awards: Sequence[_Award], transaction: Transaction) -> None:
        customer_ids = list({transition.details.customer_id for transition, _ in awards})
        accounts = await LoyaltyAccounts.load(self._store, customer_ids, self._clock(), transaction)
        limited_rule_ids = list(
            {rule.id for _, rule in awards if rule.max_per_customer is not None}
        )
        award_counts = (
            await self._store.ledger.award_counts(limited_rule_ids, customer_ids, transaction)
            if limited_rule_ids
            else {}
        )
        for transition, rule in awards:
            customer_id = transition.details.customer_id
            document = accounts.get_document(customer_id)
            award_count = award_counts.get((rule.id, customer_id), 0) + 1
            if document is None or (rule.max_per_customer or award_count) < award_count:
                continue
            points = rule.points.calculate(document)
            if accounts.grant(
                customer_id,
                rule.program_id,
                points,
                rule_id=rule.id,
                transition_id=transition.id,
            ):
                award_counts[rule.id, customer_id] = award_count
        await accounts.save(self._store, transaction)


def _match_rules(
    transitions: Sequence[Transition], rules: Sequence[EarningRule]
) -> Iterator[_Award]:
    """Yields each transition with each rule that rewards it, in the order of the log."""
    by_segment = group_rules(rules, lambda rule: rule.segment_id)
    for transition in transitions:
        for rule in by_segment.get(transition.details.segment_id, ()):
            if rule.applies_to(transition):
                yield transition, rule
