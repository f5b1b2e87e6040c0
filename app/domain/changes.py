"""What came to be committed, as the engine hears of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from app.errors import Poisoned, SegmentsError

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A customer from one committed state to the next; None where there was, or is, none."""

    customer_id: str
    partition: int
    before: Document | None
    after: Document | None


@dataclass(frozen=True, slots=True)
class Commit:
    """All changes of one cluster time, which is one place in the stream: those of one transaction,
    of one bulk insert, or of several shards at once. `at` is their latest wall time; `revision`
    that of the definitions which they made; `mark` what this worker wrote there to find the place
    again."""

    place: str
    at: datetime
    changes: Sequence[Change] = ()
    revision: int | None = None
    mark: int | None = None


class State(NamedTuple):
    """In which active segments a customer is, as far as the log tells: a bit for each filter, by
    the definitions as of a revision; and the next instant at which time alone may change that.

    A pass makes some for each of millions: tuples are made soonest.
    """

    customer_id: str
    partition: int
    revision: int
    holds: int
    wakes_at: datetime | None
    # By this it is told of somebody who is not there any more.
    source_id: str


@dataclass(frozen=True, slots=True)
class Step:
    """A revision of the definitions that changed what is watched; its place in the stream, and its
    instant.

    Some partitions may have a gap before it, of which nobody knows what happened: what differs
    then differs by this step, which is theirs alone.
    """

    revision: int
    place: str
    at: datetime
    gaps: frozenset[int] = frozenset()

    def concerns(self, partition: int) -> bool:
        return not self.gaps or partition in self.gaps


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a part of the customers has come: the place in the stream and its instant; the
    revision that all have passed, and where some still have to be brought on, to which revision
    and who was the last."""

    place: str
    at: datetime
    base: int
    target: int | None = None
    after: str = ""

    def needs(self, target: int) -> bool:
        """Whether a pass to this revision concerns these customers."""
        return self.base < target if self.target is None else self.target == target

    def reached(self, target: int) -> str:
        """The last customer whom a pass to this revision has brought on."""
        return self.after if self.target == target else ""

    def passing(self, target: int, after: str, last: str | None) -> "Progress":
        """With the pass brought on from one customer to another, None where that was the end; as it
        was where it has not come to the first of them."""
        if self.reached(target) < after:
            return self
        if last is None:
            return replace(self, base=target, target=None, after="")
        return replace(self, target=target, after=max(self.reached(target), last))

    def passed(self, customer_id: str) -> int:
        """The revision that a customer has passed of whom nothing else is known."""
        if self.target is not None and customer_id <= self.after:
            return self.target
        return self.base


@dataclass(frozen=True, slots=True)
class Setback:
    """A part of the customers that can't be brought on, because one of them can't be settled; since
    when, and how often it was tried."""

    partition: int
    customer_id: str
    error: str
    since: datetime
    tries: int


@contextmanager
def blamed(partition: int, customer_id: str) -> Iterator[None]:
    """Whatever breaks inside is this customer's fault, or comes of it: Poisoned says whose."""
    try:
        yield
    except SegmentsError:
        raise
    except Exception as error:
        raise Poisoned(partition, customer_id, error) from error
