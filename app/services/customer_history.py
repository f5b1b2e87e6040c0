"""The events and orders of one customer, version by version of the customer's document.

Every write of a customer, an event or an order raises the customer's version. Rows are stamped with
the first version that includes them and the first that no longer does.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from itertools import chain
from typing import Any

from app.filters.calendar import Calendar
from app.filters.event_history import Columns, EventHistory, HistoryLayout
from app.filters.sources import ORDERS_COLLECTION, RowKind
from app.store import Store
from app.store.customer_history import RowsByCollection
from app.store.history_query import Document, HistoryQuery

_INFINITE_VERSION = float("inf")
_CURRENT_FIELDS = {"current": True}


class CustomerHistory:
    """One customer's rows at one version of the customer, which can advance to later versions.

    It has the rows of all versions up to `loaded_version`. Rows that the present version does not
    include yet are pending additions; rows that a later loaded version ends are pending removals.
    """

    def __init__(
        self,
        layouts: Sequence[HistoryLayout],
        version: int,
        loaded_version: int,
        earliest_instants: Mapping[str, datetime | None],
        *,
        may_go_back: bool = False,
    ) -> None:
        """`earliest_instants` has, by collection, the instant before which rows are ignored; None
        keeps all. `may_go_back` allows lower versions, which a direct write to MongoDB may set."""
        self.loaded_version = loaded_version
        self.may_go_back = may_go_back
        self._earliest_instants = earliest_instants
        self._layouts = layouts
        self._initial_rows: list[tuple[str, Sequence[Document]]] = []
        self._reset(version)

    def _reset(self, version: float) -> None:
        self._version = version
        self._histories: dict[Calendar, EventHistory] = {
            layout.calendar: EventHistory(layout) for layout in self._layouts
        }
        self._pending_additions: dict[str, list[Document]] = {}
        self._pending_removals: dict[str, list[Document]] = {}

    @property
    def version(self) -> float:
        """The present version."""
        return self._version

    def __len__(self) -> int:
        pending_row_count = sum(
            map(len, chain(self._pending_additions.values(), self._pending_removals.values()))
        )
        return pending_row_count + sum(map(len, self._histories.values()))

    def add_rows(self, collection: str, rows: Iterable[Document]) -> None:
        """Adds rows of the first read. It ignores rows that begin after the loaded version: that
        version may have more of them than were read."""
        loaded_rows = [
            row
            for row in self._retained_rows(collection, rows)
            if _first_version(row) <= self.loaded_version
        ]
        if self.may_go_back:
            self._initial_rows.append((collection, loaded_rows))
        self._insert_rows(collection, loaded_rows)

    def add_columns(self, kind: RowKind, columns: Columns, now: datetime) -> None:
        """Adds many rows, in columns, that the present version and all later ones include. `now`
        must not be after the first instant of an evaluation."""
        for history in self._histories.values():
            history.extend(kind, columns, now)

    def apply_changes(self, changes: RowsByCollection, loaded_version: int) -> None:
        """Adds the rows that began or ended after the loaded version, up to a new loaded
        version."""
        previous_version, self.loaded_version = self.loaded_version, loaded_version
        for collection, changed_rows in changes.items():
            rows = self._retained_rows(collection, changed_rows)
            self._insert_rows(
                collection,
                [row for row in rows if previous_version < _first_version(row) <= loaded_version],
            )
            ended_rows = [
                row
                for row in rows
                if _first_version(row) <= previous_version < _end_version(row) <= loaded_version
            ]
            additions = self._pending_additions.setdefault(collection, [])
            removals: list[Document] = []
            for row in ended_rows:
                (removals if _first_version(row) <= self._version else additions).append(row)
            self._pending_removals.setdefault(collection, []).extend(removals)
            # A pending row may be read twice; the later copy has the version that ends it.
            additions[:] = {row["_id"]: row for row in additions}.values()

    def _retained_rows(self, collection: str, rows: Iterable[Document]) -> list[Document]:
        """The rows that are not too old. Older ones were never added, so they must not be
        removed."""
        earliest = self._earliest_instants.get(collection)
        return [row for row in rows if earliest is None or row["at"] >= earliest]

    def _insert_rows(self, collection: str, rows: Iterable[Document]) -> None:
        """Adds the rows that the present version includes; later ones become pending additions."""
        current_rows, additions = [], self._pending_additions.setdefault(collection, [])
        for row in rows:
            if _first_version(row) > self._version:
                additions.append(row)
            elif _end_version(row) > self._version:
                current_rows.append(row)
                if _end_version(row) <= self.loaded_version:
                    self._pending_removals.setdefault(collection, []).append(row)
        if current_rows:
            current_copies = [_as_current(collection, row) for row in current_rows]
            for history in self._histories.values():
                history.add(collection, current_copies)

    def can_advance_to(self, version: int) -> bool:
        """Whether the version is not before the present one."""
        return self._version <= version

    def advance_to(self, version: object) -> dict[Calendar, EventHistory]:
        """Advances to a version and returns the history by calendar.

        A lower version than the present one has no effect unless `may_go_back`.
        """
        target_version = version if isinstance(version, int) else _INFINITE_VERSION
        if target_version < self._version and self.may_go_back:
            self._reset(target_version)
            for collection, rows in self._initial_rows:
                self._insert_rows(collection, rows)
        if target_version > self._version:
            self._version = target_version
            for collection, additions in self._pending_additions.items():
                due_rows, additions[:] = additions[:], []
                self._insert_rows(collection, due_rows)
            for collection, removals in self._pending_removals.items():
                ended_rows = [row for row in removals if _end_version(row) <= target_version]
                removals[:] = [row for row in removals if _end_version(row) > target_version]
                for row in ended_rows:
                    for history in self._histories.values():
                        history.remove(collection, _as_current(collection, row))
        return self._histories


async def load_long_history(
    history: CustomerHistory,
    customer_id: str,
    store: Store,
    query: HistoryQuery,
    now: datetime,
    error_context: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Reads a long history in columns and builds it in a thread.

    `now` must not be after the first instant of an evaluation. `error_context` wraps the building,
    not the reads.
    """
    version = history.version
    async for source, columns in store.customer_history.read_event_columns(
        customer_id, query, version
    ):
        with error_context():
            kind = source.collection, source.kind
            await asyncio.to_thread(history.add_columns, kind, columns, now)
    other_rows = await store.customer_history.read_other_rows(customer_id, query, version)
    for collection, rows in other_rows.items():
        with error_context():
            await asyncio.to_thread(history.add_rows, collection, rows)


def version_range(row: Document) -> tuple[Any, Any]:
    """The first version that includes the row, and the first that no longer does."""
    return _first_version(row), _end_version(row)


def _first_version(row: Document) -> Any:
    # Rows written directly to MongoDB may lack it: every version includes them.
    version = row.get("sinceVersion")
    return -1 if version is None else version


def _end_version(row: Document) -> Any:
    return row.get("untilVersion", _INFINITE_VERSION)


def _as_current(collection: str, row: Document) -> Document:
    """The row as of a version that includes it: there, an order revision is the current one."""
    return {**row, **_CURRENT_FIELDS} if collection == ORDERS_COLLECTION else row
