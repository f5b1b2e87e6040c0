"""A chunk: customers that are evaluated for a timer or a backfill, without a change of data.

Chunks and watermarks follow Netflix DBLog ("DBLog: A Watermark Based Change-Data-Capture
Framework", 2020).
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.changes import CustomerChange, CustomerState, Document, FieldPath


@dataclass(eq=False)
class Chunk:
    """Customers as they were read from the database, outside the stream.

    A worker writes a watermark after the read, and applies the chunk when that watermark arrives in
    the stream. Every change that the read has seen has arrived by then. Customers that changed
    between the start of the read and the watermark are dropped from the chunk: their changes carry
    data that are as new or newer.
    """

    # The fields that were read. If the filters need more fields by the watermark, the chunk is
    # stale and is read again.
    paths: frozenset[FieldPath]
    documents: Mapping[str, tuple[int, Document]] = field(default_factory=dict)
    # An upper bound of the event and order rows to read in order to evaluate the chunk.
    rows: int = 0
    # The states of customers that no longer exist.
    orphans: Sequence[CustomerState] = ()
    watermark: int | None = None
    # Of a backfill: its target revision, the customer id after which the chunk begins, and the last
    # customer id in it, None at the end of the backfill.
    target_revision: int | None = None
    after_id: str = ""
    last_id: str | None = None
    committed: asyncio.Event = field(default_factory=asyncio.Event)
    is_stale: bool = False
    _changed_ids: set[str] = field(default_factory=set)

    def exclude_changed(self, changes: Iterable[CustomerChange]) -> None:
        """Drops the changed customers from the chunk."""
        self._changed_ids.update(change.customer_id for change in changes)

    def is_due(self, watermark: int | None) -> bool:
        """Whether the chunk can be applied at this watermark of the stream."""
        return self.watermark is not None and watermark is not None and self.watermark <= watermark

    def unchanged_documents(self) -> Mapping[str, tuple[int, Document]]:
        """By customer id, the partition and document of those not dropped."""
        return {
            id_: partition_document
            for id_, partition_document in self.documents.items()
            if id_ not in self._changed_ids
        }

    def unchanged_orphans(self) -> list[CustomerState]:
        """The orphans that were not dropped."""
        return [state for state in self.orphans if state.customer_id not in self._changed_ids]
