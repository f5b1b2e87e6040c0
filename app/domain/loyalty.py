"""Points that customers earn by entering segments: programs, their rules, the ledger."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
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
    """The same for everybody."""

    points: int

    def calculate(self, _: Document) -> int:
        return self.points


@dataclass(frozen=True, slots=True)
class ProportionalPoints:
    """So many points for every `every` of a number in the metadata, rounded down."""

    path: str
    every: float
    points: int

    def calculate(self, document: Document) -> int:
        """The customer's points; none where there is no number, or one below `every`."""
        field = _ANY_METADATA.find_field(self.path)
        value = field.read(document) if field else None
        if not is_number(value) or not math.isfinite(value):  # type: ignore[arg-type]
            return 0
        return max(0, _to_fraction(value) // _to_fraction(self.every) * self.points)


PointsFormula = FixedPoints | ProportionalPoints


def may_hold_number(field: Field) -> bool:
    """Whether points can be taken of the field: metadata, and defined as one number or not."""
    is_numeric = field.type in (AttributeType.NUMBER, None) and not field.is_array
    return field.group is FieldGroup.METADATA and is_numeric


def _to_fraction(number: object) -> Fraction:
    """The number as people read it, so that 3.3 is three times 1.1."""
    return Fraction(str(number))


@dataclass(frozen=True, slots=True)
class LoyaltyProgram:
    """What points are of. One that is deleted is kept for the entries that name it."""

    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EarningRule:
    """Points for the customers who enter a segment, in the interval of the log from when the rule
    was made to when it was deleted."""

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

    def is_enabled_at(self, at: datetime) -> bool:
        """Whether who enters at that instant earns: the first of the dates is in, the last out."""
        has_started = self.active_from is None or self.active_from <= at
        return has_started and (self.active_until is None or at < self.active_until)

    def applies_to(self, transition: Transition) -> bool:
        details = transition.details
        return (
            details.type is TransitionType.ENTERED
            and details.segment_id == self.segment_id
            and self.log_interval.contains(transition.sequence)
            and self.is_enabled_at(transition.at)
        )


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Points that were given, and what the customer then had in the program."""

    id: str
    customer_id: str
    program_id: str
    points: int
    balance: int
    at: datetime
    rule_id: str | None = None
    transition_id: str | None = None


class LoyaltyAccount:
    """A customer's points by program while one transaction works on them."""

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
        """How many of the points were added: nobody has more than a Long can say."""
        added = min(points, MAX_INT64 - self.total_points)
        if added > 0:
            self.balances[program_id] = self.balances.get(program_id, 0) + added
        return added

    def advance_last_entry_at(self, now: datetime) -> datetime:
        """The instant of what is added now; each is after the one before, whatever clocks say."""
        self.last_entry_at = (
            now
            if self.last_entry_at is None
            else max(now, self.last_entry_at + timedelta(milliseconds=1))
        )
        return self.last_entry_at
