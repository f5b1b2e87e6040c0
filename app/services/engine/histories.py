"""Loads the histories of customers, and keeps the long ones from one change to the next.

A change of a customer with 200,000 events then costs no more than one of a customer with a hundred:
what is read is what has changed since.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from app.domain.changes import Document, blamed
from app.filters.sources import ORDER, ORDERS
from app.services.customer_history import CustomerHistory, Rows, load_long, since_and_until
from app.services.engine.watch import Compiled
from app.store import Store
from app.store.history import HistoryQuery
from app.time_slice import TimeSlice

# From so many rows on a history is read in columns, and built in a thread.
LONG_ROWS = 2_000
_MIN_KEPT_ROWS, _MAX_KEPT_ROWS = 64, 1_000_000


class Asked(NamedTuple):
    """The states of one customer that are evaluated together, and the first instant at which one of
    them is."""

    partition: int
    states: Sequence[Document]
    since: datetime

    @property
    def last(self) -> Document:
        """The last state: all rows up to its version are committed."""
        return self.states[0] if len(self.states) == 1 else max(self.states, key=_version)

    @property
    def goes_back(self) -> bool:
        """Whether a version is below one before: somebody has written it past the program."""
        versions = [*map(_version, self.states)]
        return versions != sorted(versions)


@dataclass
class _Kept:
    """A history, from which instant on it can tell, and how many rows of each source the customer
    had in all."""

    history: CustomerHistory
    since: datetime
    counts: dict[str, int | None]
    size: int


class Histories:
    """The histories by which the filters of one set are evaluated."""

    def __init__(self, store: Store, compiled: Compiled) -> None:
        self._store = store
        self._compiled = compiled
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._kept_rows = 0
        self._time_slice = TimeSlice()

    def rows_to_read(
        self, states: Mapping[str, tuple[int, Sequence[Document]]], instant: datetime
    ) -> Iterator[int]:
        """For each customer, how many rows must be read at the most to evaluate these states."""
        query = self._compiled.plan.since(instant)
        for id_, (_, documents) in states.items():
            yield 0 if self.is_kept(id_) else _most_rows(documents, query)

    def is_kept(self, customer_id: str) -> bool:
        return customer_id in self._kept

    async def load(self, asked: Mapping[str, Asked]) -> dict[str, CustomerHistory]:
        """By customer, what is needed to evaluate these states; nothing of customers without rows.
        To be used before others are loaded."""
        if not asked:
            return {}
        query = self._query(asked)
        kept = {id_: self._kept[id_] for id_ in asked if self._serves(id_, asked[id_])}
        found = await self._catch_up(kept, asked, query)
        # By customer, those whose rows must be read.
        new = {
            id_: rows
            for id_, each in asked.items()
            if id_ not in found and (rows := _most_rows(each.states, query))
        }
        for id_ in [id_ for id_, rows in new.items() if rows >= LONG_ROWS]:
            if self._may_load_in_columns(asked[id_]):
                found[id_] = await self._load_long(id_, asked[id_], query)
        if short := [id_ for id_ in new if id_ not in found]:
            found |= await self._load_short(short, asked, query)
        for id_ in new:
            if id_ in found:
                self._keep(id_, found[id_], asked[id_], query)
        return found

    async def prefetch(self, asked: Mapping[str, Asked]) -> None:
        """Loads long histories ahead of their evaluation."""
        if not asked:
            return
        query = self._query(asked)
        for id_, each in asked.items():
            if not self.is_kept(id_) and self._may_load_in_columns(each):
                history = await self._load_long(id_, each, query)
                if not self.is_kept(id_):
                    self._keep(id_, history, each, query)

    def forget(self, customer_ids: Iterable[str]) -> None:
        for id_ in customer_ids:
            if (kept := self._kept.pop(id_, None)) is not None:
                self._kept_rows -= kept.size

    def _query(self, asked: Mapping[str, Asked]) -> HistoryQuery:
        return self._compiled.plan.since(min(each.since for each in asked.values()))

    def _serves(self, id_: str, asked: Asked) -> bool:
        kept = self._kept.get(id_)
        return (
            kept is not None
            and not asked.goes_back
            and kept.since <= asked.since
            and kept.history.tells(min(map(_version, asked.states)))
        )

    async def _catch_up(
        self, kept: Mapping[str, _Kept], asked: Mapping[str, Asked], query: HistoryQuery
    ) -> dict[str, CustomerHistory]:
        """The kept histories, brought to the states that are asked for. Those are left out of
        customers whose rows somebody has written past the program, as the counts in their
        documents show."""
        versions = {
            id_: each.history.loaded
            for id_, each in kept.items()
            if each.history.loaded < _version(asked[id_].last)
        }
        changes = await self._store.history.changed(versions, query) if versions else {}
        found = {id_: each.history for id_, each in kept.items() if id_ not in versions}
        for id_ in found:
            # Those that have not changed were asked for, too; one may be gone meanwhile.
            if id_ in self._kept:
                self._kept.move_to_end(id_)
        for id_, before in versions.items():
            each, last, rows = kept[id_], asked[id_].last, changes.get(id_, {})
            counts, loaded = query.counts(last), _version(last)
            with blamed(asked[id_].partition, id_):
                if counts != _with_changes(each.counts, rows, before, loaded):
                    self.forget([id_])
                    continue
                each.history.take_changes(rows, loaded)
            await self._time_slice.turn()
            each.counts = counts
            found[id_] = each.history
            # Another one may have taken its place, or it may be gone, while MongoDB was asked.
            if self._kept.get(id_) is each:
                self._kept_rows += len(each.history) - each.size
                each.size = len(each.history)
                self._kept.move_to_end(id_)
        self._evict()
        return found

    async def _load_short(
        self, ids: Sequence[str], asked: Mapping[str, Asked], query: HistoryQuery
    ) -> dict[str, CustomerHistory]:
        found = {}
        for id_, rows in (await self._store.history.of(ids, query)).items():
            await self._time_slice.turn()
            with blamed(asked[id_].partition, id_):
                found[id_] = history = self._begin(asked[id_], query)
                for collection, of_collection in rows.items():
                    history.take(collection, of_collection)
        return found

    async def _load_long(self, id_: str, asked: Asked, query: HistoryQuery) -> CustomerHistory:
        history = self._begin(asked, query)
        guard = partial(blamed, asked.partition, id_)
        await load_long(history, id_, self._store, query, asked.since, guard)
        return history

    def _may_load_in_columns(self, asked: Asked) -> bool:
        return not (asked.goes_back or any(layout.walked for layout in self._compiled.layouts))

    def _begin(self, asked: Asked, query: HistoryQuery) -> CustomerHistory:
        return CustomerHistory(
            self._compiled.layouts,
            _version(asked.states[0]),
            _version(asked.last),
            query.firsts,
            may_go_back=asked.goes_back,
        )

    def _keep(self, id_: str, history: CustomerHistory, asked: Asked, query: HistoryQuery) -> None:
        self.forget([id_])
        size = len(history)
        if size < _MIN_KEPT_ROWS or history.may_go_back:
            return
        self._kept[id_] = _Kept(history, asked.since, query.counts(asked.last), size)
        self._kept_rows += size
        self._evict()

    def _evict(self) -> None:
        """Forgets those that were not asked for longest, where they are too many."""
        while self._kept_rows > _MAX_KEPT_ROWS and len(self._kept) > 1:
            self.forget([next(iter(self._kept))])


def _most_rows(states: Sequence[Document], query: HistoryQuery) -> int:
    """How many rows must be read at the most to evaluate these states."""
    return query.rows(states[0]) if len(states) == 1 else max(map(query.rows, states))


def _version(state: Document) -> int:
    version = state.get("version")
    return version if isinstance(version, int) else 0


def _with_changes(
    counts: Mapping[str, int | None], changes: Rows, before: int, loaded: int
) -> dict[str, int | None]:
    """How many rows there are of each source after what has come and ended between two versions."""
    more: Counter[str] = Counter()
    for collection, rows in changes.items():
        for row in rows:
            since, until = since_and_until(row)
            name = ORDER if collection == ORDERS else row["name"]
            more[name] += (before < since <= loaded) - (before < until <= loaded)
    return {
        name: (count or 0) + more[name] if count is not None or more[name] else None
        for name, count in counts.items()
    }
