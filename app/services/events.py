"""Custom events come in."""

from collections.abc import Sequence
from datetime import datetime

from app.domain.events import MOST_NAMES, Event, happened
from app.domain.ids import Kind
from app.domain.inputs import EventInput
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
        rows = Rows.read(EventInput, wires)
        keys = [key for wire in wires if isinstance(key := wire.get("idempotencyKey"), str)]

        async def work(transaction: Transaction) -> dict[int, Sequence[Problem]]:
            return await self._track(rows, wires, keys, now, transaction)

        return rows.result(await self._store.transaction(work) if wires else {})

    async def _track(
        self,
        rows: Rows[EventInput],
        wires: Sequence[Wire],
        keys: Sequence[str],
        now: datetime,
        transaction: Transaction,
    ) -> dict[int, Sequence[Problem]]:
        known = await self._store.events.known_keys(keys, transaction) if keys else set()
        names = await self._admitted({row.name for row in rows.good.values()}, transaction)
        refs = [row.customer for row in rows.good.values()]
        drafts = await Drafts.load(self._store, refs, transaction)
        refused: dict[int, Sequence[Problem]] = {}
        events = []
        for index, wire in enumerate(wires):
            if (key := wire.get("idempotencyKey")) is not None and key in known:
                # A repeat is accepted, whatever else it says.
                refused[index] = ()
            elif index in rows.good:
                try:
                    events.append(_record(rows.good[index], names, drafts, now))
                except Refused as error:
                    refused[index] = error.problems
                    continue
                if key is not None:
                    known.add(key)
        await self._store.events.add(events, transaction)
        await drafts.save(self._store, now, transaction)
        return refused

    async def _admitted(self, wanted: set[str], transaction: Transaction) -> set[str]:
        """The names that may be used: those known and, while there is room, new ones."""
        if wanted <= self._names:
            return self._names
        await self._store.fence(_FENCE, transaction)
        known = await self._store.events.names(transaction)
        new = sorted(wanted - known)[: MOST_NAMES - len(known)]
        if new:
            await self._store.events.add_names(new, transaction)
        self._names = known
        return known | set(new)


def _record(row: EventInput, names: set[str], drafts: Drafts, now: datetime) -> Event:
    if row.name not in names:
        message = f"A project has at most {MOST_NAMES:,} names of events; use one of those."
        raise refuse(Code.TOO_MANY, message, "name")
    at = happened(row.at, now)
    draft = drafts.of(row.customer)
    draft.record_event(row.name, at)
    drafts.keep(draft, activity=True)
    return Event(
        id=new_id(Kind.EVENT),
        customer_id=draft.id,
        name=row.name,
        at=at,
        properties=row.properties or {},
        since=draft.version,
        idempotency_key=row.idempotency_key,
    )
