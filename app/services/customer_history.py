"""The events and orders of one customer, as they stand in one state of its data after the other."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from itertools import chain
from typing import Any

from app.filters.calendar import Calendar
from app.filters.event_history import Columns, EventHistory, HistoryLayout, RowKind
from app.filters.sources import ORDERS_COLLECTION
from app.store import Store
from app.store.history_query import HistoryQuery

Document = Mapping[str, Any]
RowsByCollection = Mapping[str, Sequence[Document]]

_INFINITE_VERSION = float("inf")
_CURRENT_FIELDS = {"current": True}


class CustomerHistory:
    """One customer's rows, which follow its data from one committed state to the next.

    A state is named by its version. Rows of the states up to `loaded` are here; those that the
    state of the present version does not include yet, or still includes, wait to come or to end.
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
        """`firsts` says for each collection the instant before which no rows are kept, None for
        never; `may_go_back` where somebody past the program has written a lower version."""
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
        """The version of the present state."""
        return self._version

    def __len__(self) -> int:
        pending_row_count = sum(
            map(len, chain(self._pending_additions.values(), self._pending_removals.values()))
        )
        return pending_row_count + sum(map(len, self._histories.values()))

    def add_rows(self, collection: str, rows: Iterable[Document]) -> None:
        """Takes rows as they were first read. Rows of versions that are not loaded are left out:
        there may be more of these."""
        loaded_rows = [
            row
            for row in self._retained_rows(collection, rows)
            if _first_version(row) <= self.loaded_version
        ]
        if self.may_go_back:
            self._initial_rows.append((collection, loaded_rows))
        self._insert_rows(collection, loaded_rows)

    def add_columns(self, kind: RowKind, columns: Columns, now: datetime) -> None:
        """Takes many rows that the present state includes, and all later ones; `now` is no later
        than the first instant that is asked about."""
        for history in self._histories.values():
            history.extend(kind, columns, now)

    def apply_changes(self, changes: RowsByCollection, loaded_version: int) -> None:
        """Takes what has come or ended from the version that was loaded before to another one."""
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
            # Of a row that has not come yet, the last copy says when it ends.
            additions[:] = {row["_id"]: row for row in additions}.values()

    def _retained_rows(self, collection: str, rows: Iterable[Document]) -> list[Document]:
        """The rows that are not too old: what was never read must not be taken out later."""
        earliest = self._earliest_instants.get(collection)
        return [row for row in rows if earliest is None or row["at"] >= earliest]

    def _insert_rows(self, collection: str, rows: Iterable[Document]) -> None:
        """Adds the rows that the present state includes; the others wait, or are over."""
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
        """Whether it can still go to the state of a version."""
        return self._version <= version

    def advance_to(self, version: object) -> dict[Calendar, EventHistory]:
        """By calendar, the history in the state of a version, none of which is below one before
        but where it may go back."""
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
    """Reads a long history in columns and builds it in a thread; `now` is no later than the first
    instant that is asked about. What is computed, and not what is read, runs under the guard."""
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
    """The versions of the first state that includes a row, and of the first that no longer does."""
    return _first_version(row), _end_version(row)


def _first_version(row: Document) -> Any:
    # Rows that somebody wrote past the program may lack it: every state includes them.
    version = row.get("sinceVersion")
    return -1 if version is None else version


def _end_version(row: Document) -> Any:
    return row.get("untilVersion", _INFINITE_VERSION)


def _as_current(collection: str, row: Document) -> Document:
    """The row as it stood in a state that includes it: an order was the current one then."""
    return {**row, **_CURRENT_FIELDS} if collection == ORDERS_COLLECTION else row
