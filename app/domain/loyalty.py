"""Loyalty: programs, earning rules, and the ledger of the points that customers earn."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction

from app.domain.customers import Document
from app.domain.log_interval import LogInterval
from app.domain.transitions import Transition, TransitionType
from app.filters import Catalog
from app.filters.fields import AttributeType, Field, FieldGroup, is_number
from app.filters.values import MAX_INT64

MAX_PROGRAMS = 1_000

_ANY_METADATA = Catalog()


@dataclass(frozen=True, slots=True)
class FixedPoints:
    """The same number of points for every customer."""

    points: int

    def calculate(self, _: Document) -> int:
        return self.points


@dataclass(frozen=True, slots=True)
class ProportionalPoints:
    """`points` for each full `every` of a number in the customer's metadata.

    With every=10 and points=2, the number 35 earns 6 points.
    """

    path: str
    every: float
    points: int

    @property
    def metadata_key(self) -> str:
        """The key of the metadata that holds the number."""
        return self.path.split(".")[1]

    def calculate(self, document: Document) -> int:
        """Returns the points for a customer's document; 0 if the metadata has no finite number
        there, or one below `every`."""
        field = _ANY_METADATA.find_field(self.path)
        value = field.read(document) if field else None
        if not is_number(value) or not math.isfinite(value):  # type: ignore[arg-type]
            return 0
        return max(0, _to_fraction(value) // _to_fraction(self.every) * self.points)


PointsFormula = FixedPoints | ProportionalPoints


def may_hold_number(field: Field) -> bool:
    """Whether ProportionalPoints may use the field: a metadata key that is defined as one number,
    or that is not defined."""
    is_numeric = field.type in (AttributeType.NUMBER, None) and not field.is_array
    return field.group is FieldGroup.METADATA and is_numeric


def _to_fraction(number: object) -> Fraction:
    """Returns the decimal number as it is written, so that 3.3 is three times 1.1."""
    return Fraction(str(number))


@dataclass(frozen=True, slots=True)
class LoyaltyProgram:
    """A loyalty program. Points belong to one program. A deleted program stays in the store,
    because ledger entries refer to it."""

    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EarningRule:
    """Gives points to the customers who enter a segment.

    `log_interval` holds the transitions between the rule's creation and its deletion, and
    `disabled_intervals` those at which it was disabled, in order; the last may have no end yet.
    Those that the consumer has passed are dropped. The rule is in force from `active_from`
    (inclusive) to `active_until` (exclusive); None means no limit.
    """

    id: str
    name: str
    program_id: str
    segment_id: str
    points: PointsFormula
    created_at: datetime
    log_interval: LogInterval
    active_from: datetime | None = None
    active_until: datetime | None = None
    max_per_customer: int | None = None
    disabled_intervals: tuple[LogInterval, ...] = ()

    @property
    def is_disabled(self) -> bool:
        """Whether the rule is disabled at the end of the log."""
        return (
            bool(self.disabled_intervals) and self.disabled_intervals[-1].through_sequence is None
        )

    def with_enabled(self, enabled: bool, last_sequence: int) -> "EarningRule":
        """Returns the rule, enabled or disabled after `last_sequence`, the end of the log."""
        if enabled is not self.is_disabled:
            return self
        if not enabled:
            started = LogInterval(last_sequence)
            return replace(self, disabled_intervals=(*self.disabled_intervals, started))
        *earlier, last = self.disabled_intervals
        return replace(self, disabled_intervals=(*earlier, last.with_end(last_sequence)))

    def without_passed_intervals(self, handled_sequence: int) -> "EarningRule":
        """Returns the rule without the intervals at which it was disabled that nobody needs any
        more: they have no transitions, or all up to the sequence have been handled."""
        needed = tuple(
            interval
            for interval in self.disabled_intervals
            if not interval.is_passed(handled_sequence)
        )
        return replace(self, disabled_intervals=needed)

    def is_in_force_at(self, at: datetime) -> bool:
        """Whether the instant is within the rule's dates."""
        has_started = self.active_from is None or self.active_from <= at
        return has_started and (self.active_until is None or at < self.active_until)

    def applies_to(self, transition: Transition) -> bool:
        """Whether the rule gives points for the transition."""
        details = transition.details
        return (
            details.type is TransitionType.ENTERED
            and details.segment_id == self.segment_id
            and self.log_interval.contains(transition.sequence)
            and not any(
                interval.contains(transition.sequence) for interval in self.disabled_intervals
            )
            and self.is_in_force_at(transition.at)
        )


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Points that a customer got or lost, and the customer's balance in the program after that.

    An earning rule awarded them for a transition, a referral tier as its reward, or an adjustment
    gave or took them. Only adjustments have a reason and an idempotency key.
    """

    id: str
    customer_id: str
    program_id: str
    points: int
    balance: int
    at: datetime
    rule_id: str | None = None
    transition_id: str | None = None
    reason: str | None = None
    idempotency_key: str | None = None
    tier_id: str | None = None


class LoyaltyAccount:
    """The balances of one customer by program id, while one transaction changes them."""

    def __init__(
        self,
        customer_id: str,
        balances: Mapping[str, int] | None = None,
        last_entry_at: datetime | None = None,
    ) -> None:
        self.customer_id = customer_id
        self.balances = dict(balances or {})
        self.last_entry_at = last_entry_at

    @property
    def total_points(self) -> int:
        return sum(self.balances.values())

    def add_points(self, program_id: str, points: int) -> int:
        """Adds the points to a balance. Returns the number of points added, which is less than
        `points` if the customer's total would exceed the maximum of a Long."""
        added = min(points, MAX_INT64 - self.total_points)
        if added > 0:
            self.balances[program_id] = self.balances.get(program_id, 0) + added
        return added

    def adjust_points(self, program_id: str, points: int) -> None:
        """Adds the points to a balance, or takes them if they are negative. Raises ValueError, and
        changes nothing, if the balance would be negative or the total exceed the maximum of a
        Long."""
        balance = self.balances.get(program_id, 0)
        if balance + points < 0:
            raise ValueError(
                f"The balance is {balance:,}, so at most that many points can be taken."
            )
        if self.total_points + points > MAX_INT64:
            raise ValueError(f"A customer has at most {MAX_INT64:,} points; add fewer.")
        self.balances[program_id] = balance + points

    def advance_last_entry_at(self, now: datetime) -> datetime:
        """Returns the instant of a new ledger entry: `now`, or one millisecond after the previous
        entry if the clock went backwards. So entries keep their order."""
        self.last_entry_at = (
            now
            if self.last_entry_at is None
            else max(now, self.last_entry_at + timedelta(milliseconds=1))
        )
        return self.last_entry_at
