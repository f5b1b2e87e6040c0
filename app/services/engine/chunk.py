"""Customers who are settled without a change of theirs: their time has come, or the definitions
have changed."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.changes import CustomerChange, CustomerState, Document

FieldPath = tuple[str, ...]


@dataclass(eq=False)
class Chunk:
    """Customers as they were read from the database.

    They can be settled where the stream comes by the mark that was written after they were read:
    whatever is in what was read has come by then, too. Those of whom it has told a change in the
    meantime have been settled with that.
    """

    # What was read of them; where more is asked by then, it was in vain.
    paths: frozenset[FieldPath]
    documents: Mapping[str, tuple[int, Document]] = field(default_factory=dict)
    # How many rows there are to be read, at the most, to evaluate all of them.
    rows: int = 0
    # Of customers who are not there.
    orphans: Sequence[CustomerState] = ()
    watermark: int | None = None
    # Of a pass over all customers: to which revision it brings them, after whom this reading
    # begins, and who is its last one; None at the end of the pass.
    target_revision: int | None = None
    after_id: str = ""
    last_id: str | None = None
    committed: asyncio.Event = field(default_factory=asyncio.Event)
    is_stale: bool = False
    _changed_ids: set[str] = field(default_factory=set)

    def exclude_changed(self, changes: Iterable[CustomerChange]) -> None:
        self._changed_ids.update(change.customer_id for change in changes)

    def is_due(self, watermark: int | None) -> bool:
        return self.watermark is not None and watermark is not None and self.watermark <= watermark

    def unchanged_documents(self) -> Mapping[str, tuple[int, Document]]:
        """Those who have not changed, each with the partition."""
        return {
            id_: partition_document
            for id_, partition_document in self.documents.items()
            if id_ not in self._changed_ids
        }

    def unchanged_orphans(self) -> list[CustomerState]:
        return [state for state in self.orphans if state.customer_id not in self._changed_ids]
