"""The events and orders of one customer, as they stand in one state of its data after the other."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from itertools import chain
from typing import Any

from app.filters.calendar import Calendar
from app.filters.event_history import Columns, EventHistory, HistoryLayout, Kind
from app.filters.sources import ORDERS
from app.store import Store
from app.store.history import HistoryQuery

Document = Mapping[str, Any]
Rows = Mapping[str, Sequence[Document]]

_NEVER = float("inf")
_CURRENT = {"current": True}


class CustomerHistory:
    """One customer's rows, which follow its data from one committed state to the next.

    A state is named by its version. Rows of the states up to `loaded` are here; those that the
    state of the present version does not include yet, or still includes, wait to come or to end.
    """

    def __init__(
        self,
        layouts: Sequence[HistoryLayout],
        version: int,
        loaded: int,
        firsts: Mapping[str, datetime | None],
        *,
        may_go_back: bool = False,
    ) -> None:
        """`firsts` says for each collection the instant before which no rows are kept, None for
        never; `may_go_back` where somebody past the program has written a lower version."""
        self.loaded = loaded
        self.may_go_back = may_go_back
        self._firsts = firsts
        self._layouts = layouts
        self._read: list[tuple[str, Sequence[Document]]] = []
        self._begin(version)

    def _begin(self, version: float) -> None:
        self._version = version
        self._histories: dict[Calendar, EventHistory] = {
            layout.calendar: EventHistory(layout) for layout in self._layouts
        }
        self._coming: dict[str, list[Document]] = {}
        self._ending: dict[str, list[Document]] = {}

    @property
    def version(self) -> float:
        """The version of the present state."""
        return self._version

    def __len__(self) -> int:
        waiting = sum(map(len, chain(self._coming.values(), self._ending.values())))
        return waiting + sum(map(len, self._histories.values()))

    def take(self, collection: str, rows: Iterable[Document]) -> None:
        """Takes rows as they were first read. Rows of versions that are not loaded are left out:
        there may be more of these."""
        known = [row for row in self._kept(collection, rows) if _since(row) <= self.loaded]
        if self.may_go_back:
            self._read.append((collection, known))
        self._sort_in(collection, known)

    def take_columns(self, kind: Kind, columns: Columns, now: datetime) -> None:
        """Takes many rows that the present state includes, and all later ones; `now` is no later
        than the first instant that is asked about."""
        for history in self._histories.values():
            history.extend(kind, columns, now)

    def take_changes(self, changes: Rows, loaded: int) -> None:
        """Takes what has come or ended from the version that was loaded before to another one."""
        before, self.loaded = self.loaded, loaded
        for collection, changed in changes.items():
            rows = self._kept(collection, changed)
            self._sort_in(collection, [row for row in rows if before < _since(row) <= loaded])
            ended = [row for row in rows if _since(row) <= before < _until(row) <= loaded]
            coming = self._coming.setdefault(collection, [])
            ending: list[Document] = []
            for row in ended:
                (ending if _since(row) <= self._version else coming).append(row)
            self._ending.setdefault(collection, []).extend(ending)
            # Of a row that has not come yet, the last copy says when it ends.
            coming[:] = {row["_id"]: row for row in coming}.values()

    def _kept(self, collection: str, rows: Iterable[Document]) -> list[Document]:
        """The rows that are not too old: what was never read must not be taken out later."""
        first = self._firsts.get(collection)
        return [row for row in rows if first is None or row["at"] >= first]

    def _sort_in(self, collection: str, rows: Iterable[Document]) -> None:
        """Adds the rows that the present state includes; the others wait, or are over."""
        here, coming = [], self._coming.setdefault(collection, [])
        for row in rows:
            if _since(row) > self._version:
                coming.append(row)
            elif _until(row) > self._version:
                here.append(row)
                if _until(row) <= self.loaded:
                    self._ending.setdefault(collection, []).append(row)
        if here:
            standing = [_standing(collection, row) for row in here]
            for history in self._histories.values():
                history.add(collection, standing)

    def tells(self, version: int) -> bool:
        """Whether it can still go to the state of a version."""
        return self._version <= version

    def at(self, version: object) -> dict[Calendar, EventHistory]:
        """By calendar, the history in the state of a version, none of which is below one before
        but where it may go back."""
        reached = version if isinstance(version, int) else _NEVER
        if reached < self._version and self.may_go_back:
            self._begin(reached)
            for collection, rows in self._read:
                self._sort_in(collection, rows)
        if reached > self._version:
            self._version = reached
            for collection, coming in self._coming.items():
                waiting, coming[:] = coming[:], []
                self._sort_in(collection, waiting)
            for collection, ending in self._ending.items():
                ended = [row for row in ending if _until(row) <= reached]
                ending[:] = [row for row in ending if _until(row) > reached]
                for row in ended:
                    for history in self._histories.values():
                        history.remove(collection, _standing(collection, row))
        return self._histories


async def load_long(
    history: CustomerHistory,
    customer_id: str,
    store: Store,
    query: HistoryQuery,
    now: datetime,
    guard: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Reads a long history in columns and builds it in a thread; `now` is no later than the first
    instant that is asked about. What is computed, and not what is read, runs under the guard."""
    version = history.version
    async for source, columns in store.history.events_in_columns(customer_id, query, version):
        with guard():
            kind = source.collection, source.kind
            await asyncio.to_thread(history.take_columns, kind, columns, now)
    others = await store.history.other_rows(customer_id, query, version)
    for collection, rows in others.items():
        with guard():
            await asyncio.to_thread(history.take, collection, rows)


def since_and_until(row: Document) -> tuple[Any, Any]:
    """The versions of the first state that includes a row, and of the first that no longer does."""
    return _since(row), _until(row)


def _since(row: Document) -> Any:
    # Rows that somebody wrote past the program may lack it: every state includes them.
    since = row.get("since")
    return -1 if since is None else since


def _until(row: Document) -> Any:
    return row.get("until", _NEVER)


def _standing(collection: str, row: Document) -> Document:
    """The row as it stood in a state that includes it: an order was the current one then."""
    return {**row, **_CURRENT} if collection == ORDERS else row
