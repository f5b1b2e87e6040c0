"""Customers who are settled without a change of theirs: their time has come, or the definitions
have changed."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.changes import Change, Document, State

Path = tuple[str, ...]


@dataclass(eq=False)
class Reading:
    """Customers as they were read from the database.

    They can be settled where the stream comes by the mark that was written after they were read:
    whatever is in what was read has come by then, too. Those of whom it has told a change in the
    meantime have been settled with that.
    """

    # What was read of them; where more is asked by then, it was in vain.
    paths: frozenset[Path]
    documents: Mapping[str, tuple[int, Document]] = field(default_factory=dict)
    # How many rows there are to be read, at the most, to evaluate all of them.
    rows: int = 0
    # Of customers who are not there.
    orphans: Sequence[State] = ()
    mark: int | None = None
    # Of a pass over all customers: to which revision it brings them, after whom this reading
    # begins, and who is its last one; None at the end of the pass.
    target: int | None = None
    after: str = ""
    last: str | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    in_vain: bool = False
    _touched: set[str] = field(default_factory=set)

    def touch(self, changes: Iterable[Change]) -> None:
        self._touched.update(change.customer_id for change in changes)

    def is_due(self, mark: int | None) -> bool:
        return self.mark is not None and mark is not None and self.mark <= mark

    def left(self) -> Mapping[str, tuple[int, Document]]:
        """Those who have not changed, each with the partition."""
        return {id_: of for id_, of in self.documents.items() if id_ not in self._touched}

    def orphans_left(self) -> list[State]:
        return [state for state in self.orphans if state.customer_id not in self._touched]
