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
from app.filters.fields import AttributeType, Field, Group, is_number
from app.filters.values import LARGEST_LONG

MOST_PROGRAMS = 1_000

_ANY_METADATA = Catalog()


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same for everybody."""

    points: int

    def of(self, _: Document) -> int:
        return self.points


@dataclass(frozen=True, slots=True)
class Proportional:
    """So many points for every `every` of a number in the metadata, rounded down."""

    path: str
    every: float
    points: int

    def of(self, document: Document) -> int:
        """The customer's points; none where there is no number, or one below `every`."""
        field = _ANY_METADATA.find(self.path)
        value = field.read(document) if field else None
        if not is_number(value) or not math.isfinite(value):  # type: ignore[arg-type]
            return 0
        return max(0, _exact(value) // _exact(self.every) * self.points)


Points = Fixed | Proportional


def may_hold_a_number(field: Field) -> bool:
    """Whether points can be taken of the field: metadata, and defined as one number or not."""
    numeric = field.type in (AttributeType.NUMBER, None) and not field.is_array
    return field.group is Group.METADATA and numeric


def _exact(number: object) -> Fraction:
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
    points: Points
    created_at: datetime
    interval: LogInterval
    active_from: datetime | None = None
    active_until: datetime | None = None
    max_per_customer: int | None = None

    def enabled(self, at: datetime) -> bool:
        """Whether who enters at that instant earns: the first of the dates is in, the last out."""
        begun = self.active_from is None or self.active_from <= at
        return begun and (self.active_until is None or at < self.active_until)

    def rewards(self, transition: Transition) -> bool:
        crossing = transition.crossing
        return (
            crossing.type is TransitionType.ENTERED
            and crossing.segment_id == self.segment_id
            and self.interval.contains(transition.sequence)
            and self.enabled(transition.at)
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


class Account:
    """A customer's points by program while one transaction works on them."""

    def __init__(
        self,
        customer_id: str,
        balances: Mapping[str, int] | None = None,
        at: datetime | None = None,
    ) -> None:
        self.customer_id = customer_id
        self.balances = dict(balances or {})
        self.at = at

    @property
    def total(self) -> int:
        return sum(self.balances.values())

    def add(self, program_id: str, points: int) -> int:
        """How many of the points were added: nobody has more than a Long can say."""
        added = min(points, LARGEST_LONG - self.total)
        if added > 0:
            self.balances[program_id] = self.balances.get(program_id, 0) + added
        return added

    def touch(self, now: datetime) -> datetime:
        """The instant of what is added now; each is after the one before, whatever clocks say."""
        self.at = now if self.at is None else max(now, self.at + timedelta(milliseconds=1))
        return self.at
