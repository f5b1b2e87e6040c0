"""Custom events come in."""

from collections.abc import Sequence
from datetime import datetime

from app.domain.events import MOST_NAMES, Event, happened
from app.domain.ids import Kind
from app.domain.inputs import EventInput
from app.domain.json import LONGEST_KEY
from app.errors import Code, Problem, Refused, refuse
from app.services.drafts import Drafts
from app.services.rows import BulkResult, Rows, Wire
from app.store import Store, Transaction
from app.store.ids import new_id

_FENCE = "eventNames"


class Events:
    """The verbs of events."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: set[str] = set()

    async def get(self, id_: str) -> Event | None:
        return await self._store.events.get(id_)

    async def track(self, wires: Sequence[Wire], now: datetime) -> BulkResult:
        """Takes each row that can be taken. A key that is known already changes nothing."""
        return await self.take(Rows.read(EventInput, wires), now)

    async def take(self, rows: Rows[EventInput], now: datetime) -> BulkResult:
        """The same of rows that are read already."""

        async def work(transaction: Transaction) -> dict[int, Sequence[Problem]]:
            return await self._track(rows, now, transaction)

        if not rows.wires:
            return rows.result({})
        keys = {row.customer.text for row in rows.good.values()}
        return rows.result(await self._store.transaction(work, keys=keys))

    async def _track(
        self,
        rows: Rows[EventInput],
        now: datetime,
        transaction: Transaction,
    ) -> dict[int, Sequence[Problem]]:
        keys = [key for wire in rows.wires if (key := _key(wire))]
        known = await self._known_keys(keys, transaction)
        names = await self._known_names({row.name for row in rows.good.values()}, transaction)
        refs = [row.customer for row in rows.good.values()]
        drafts = await Drafts.load(self._store, refs, transaction)
        arrivals = _Arrivals(drafts, names, now)
        refused: dict[int, Sequence[Problem]] = {}
        for index, wire in enumerate(rows.wires):
            key = _key(wire)
            if key is not None and key in known:
                # A repeat is accepted, whatever else it says.
                refused[index] = ()
            elif index in rows.good:
                try:
                    arrivals.take(rows.good[index])
                except Refused as error:
                    refused[index] = error.problems
                else:
                    known.add(key)
        if arrivals.new_names:
            # The names known were all: nobody else adds one meanwhile.
            await self._store.fence(_FENCE, transaction)
            await self._store.events.add_names(arrivals.new_names, transaction)
        await self._store.events.add(arrivals.events, transaction)
        await drafts.save(self._store, now, transaction)
        return refused

    async def _known_keys(self, keys: Sequence[str], transaction: Transaction) -> set[str | None]:
        asked = [key for key in keys if len(key) <= LONGEST_KEY]
        return {*await self._store.events.known_keys(asked, transaction)} if asked else set()

    async def _known_names(self, wanted: set[str], transaction: Transaction) -> set[str]:
        """The names in use, as of the transaction where one of those wanted is not known."""
        if not wanted <= self._names:
            self._names = await self._store.events.names(transaction)
        return self._names


def _key(wire: Wire) -> str | None:
    """The row's key, be the rest of it what it may."""
    key = wire.get("idempotencyKey")
    return key if isinstance(key, str) else None


class _Arrivals:
    """The events of one call that are taken, and the names that are new with them."""

    def __init__(self, drafts: Drafts, names: set[str], now: datetime) -> None:
        self._drafts = drafts
        self._names = names
        self._now = now
        self.events: list[Event] = []
        self.new_names: set[str] = set()

    def take(self, row: EventInput) -> None:
        at = happened(row.at, self._now)
        draft = self._drafts.of(row.customer)
        self._admit(row.name)
        draft.record_event(row.name, at)
        self._drafts.keep(draft, activity=True)
        event = Event(
            id=new_id(Kind.EVENT),
            customer_id=draft.id,
            name=row.name,
            at=at,
            properties=row.properties or {},
            since=draft.version,
            idempotency_key=row.idempotency_key,
        )
        self.events.append(event)

    def _admit(self, name: str) -> None:
        if name in self._names or name in self.new_names:
            return
        if len(self._names) + len(self.new_names) >= MOST_NAMES:
            message = f"A project has at most {MOST_NAMES:,} names of events; use one of those."
            raise refuse(Code.TOO_MANY, message, "name")
        self.new_names.add(name)
