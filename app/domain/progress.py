"""The stored progress of the engine: of customers, of partitions, and of definition changes."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple


class CustomerState(NamedTuple):
    """The stored membership of one customer in active segments.

    `membership_bits` has one bit per active filter, at the filter's slot. It agrees with the
    transition log and with the definitions as of `revision`. `next_timer_at` is the next instant
    at which a membership may change although no data changes; None if there is none.

    It is a tuple because a backfill creates one per customer, and tuples are the fastest to create.
    """

    customer_id: str
    partition: int
    revision: int
    membership_bits: int
    next_timer_at: datetime | None
    # The transitions of a deleted customer still need it.
    source_id: str


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """A definitions revision that changed the set of active filters, with its position in the
    change stream and the instant of its commit.

    `gap_partitions` is not empty if some partitions lost a part of the change stream. The
    definition change then applies to those partitions only: it re-evaluates their customers, and
    their transitions have the cause DEFINITION.
    """

    revision: int
    position: str
    committed_at: datetime
    gap_partitions: frozenset[int] = frozenset()

    def applies_to(self, partition: int) -> bool:
        return not self.gap_partitions or partition in self.gap_partitions


@dataclass(frozen=True, slots=True)
class PartitionProgress:
    """The stored progress of one partition.

    All changes up to `position` (cluster time) and `reached_at` (wall time) are processed. All
    customers have reached `base_revision` of the definitions. During a backfill, the customers up
    to `last_backfilled_id` have also reached `target_revision`.
    """

    position: str
    reached_at: datetime
    base_revision: int
    target_revision: int | None = None
    last_backfilled_id: str = ""

    def needs_backfill(self, target_revision: int) -> bool:
        """Whether a backfill to this revision still has to process the partition."""
        return (
            self.base_revision < target_revision
            if self.target_revision is None
            else self.target_revision == target_revision
        )

    def backfilled_through(self, target_revision: int) -> str:
        """The id of the last customer that the backfill to this revision has processed, or ""."""
        return self.last_backfilled_id if self.target_revision == target_revision else ""

    def with_backfill_chunk(
        self, target_revision: int, after_id: str, last_id: str | None
    ) -> "PartitionProgress":
        """Returns the progress after one more chunk of a backfill: the customers after `after_id`
        up to `last_id`, or up to the end if that is None. Returns the progress unchanged if the
        backfill has not reached `after_id`, so that no customer is skipped."""
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
        """The revision that a customer without a stored CustomerState has reached."""
        if self.target_revision is not None and customer_id <= self.last_backfilled_id:
            return self.target_revision
        return self.base_revision


@dataclass(frozen=True, slots=True)
class PoisonChange:
    """A change that the engine can't process. It blocks its partition until a retry succeeds."""

    partition: int
    customer_id: str
    error: str
    first_failed_at: datetime
    attempts: int
