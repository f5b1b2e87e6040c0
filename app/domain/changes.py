"""What came to be committed, as the engine hears of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from app.errors import PoisonChangeError, SegmentsError

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CustomerChange:
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

    position: str
    committed_at: datetime
    changes: Sequence[CustomerChange] = ()
    revision: int | None = None
    watermark: int | None = None


class CustomerState(NamedTuple):
    """In which active segments a customer is, as far as the log tells: a bit for each filter, by
    the definitions as of a revision; and the next instant at which time alone may change that.

    A pass makes some for each of millions: tuples are made soonest.
    """

    customer_id: str
    partition: int
    revision: int
    membership_bits: int
    next_timer_at: datetime | None
    # By this it is told of somebody who is not there any more.
    source_id: str


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """A revision of the definitions that changed what is watched; its place in the stream, and its
    instant.

    Some partitions may have a gap before it, of which nobody knows what happened: what differs
    then differs by this step, which is theirs alone.
    """

    revision: int
    position: str
    committed_at: datetime
    gap_partitions: frozenset[int] = frozenset()

    def applies_to(self, partition: int) -> bool:
        return not self.gap_partitions or partition in self.gap_partitions


@dataclass(frozen=True, slots=True)
class PartitionProgress:
    """How far a part of the customers has come: the place in the stream and its instant; the
    revision that all have passed, and where some still have to be brought on, to which revision
    and who was the last."""

    position: str
    reached_at: datetime
    base_revision: int
    target_revision: int | None = None
    last_backfilled_id: str = ""

    def needs_backfill(self, target_revision: int) -> bool:
        """Whether a pass to this revision concerns these customers."""
        return (
            self.base_revision < target_revision
            if self.target_revision is None
            else self.target_revision == target_revision
        )

    def backfilled_through(self, target_revision: int) -> str:
        """The last customer whom a pass to this revision has brought on."""
        return self.last_backfilled_id if self.target_revision == target_revision else ""

    def with_backfill_chunk(
        self, target_revision: int, after_id: str, last_id: str | None
    ) -> "PartitionProgress":
        """With the pass brought on from one customer to another, None where that was the end; as it
        was where it has not come to the first of them."""
        if self.backfilled_through(target_revision) < after_id:
            return self
        if last_id is None:
            return replace(
                self, base_revision=target_revision, target_revision=None, last_backfilled_id=""
            )
        return replace(
            self,
            target_revision=target_revision,
            last_backfilled_id=max(self.backfilled_through(target_revision), last_id),
        )

    def revision_of(self, customer_id: str) -> int:
        """The revision that a customer has passed of whom nothing else is known."""
        if self.target_revision is not None and customer_id <= self.last_backfilled_id:
            return self.target_revision
        return self.base_revision


@dataclass(frozen=True, slots=True)
class PoisonChange:
    """A part of the customers that can't be brought on, because one of them can't be settled; since
    when, and how often it was tried."""

    partition: int
    customer_id: str
    error: str
    first_failed_at: datetime
    attempts: int


@contextmanager
def attribute_errors_to(partition: int, customer_id: str) -> Iterator[None]:
    """Whatever breaks inside is this customer's fault, or comes of it: Poisoned says whose."""
    try:
        yield
    except SegmentsError:
        raise
    except Exception as error:
        raise PoisonChangeError(partition, customer_id, error) from error
