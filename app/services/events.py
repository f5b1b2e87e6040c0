"""Custom events: ingestion and lookup."""

from collections.abc import Sequence
from datetime import datetime

from app.domain.events import MAX_EVENT_NAMES, Event, resolve_occurred_at
from app.domain.ids import EntityKind
from app.domain.inputs import EventInput, InputObject
from app.domain.json_values import MAX_KEY_LENGTH
from app.errors import InputError, Problem, UserErrorCode, input_error
from app.services.bulk_rows import BulkResult, BulkRows, RowChange
from app.services.unit_of_work import CustomerUnitOfWork
from app.store import Store, Transaction
from app.store.ids import new_id
from app.time_slice import TimeSlice
from app.unicode_text import to_nfc
from app.worker_threads import run_in_thread_if_large

_EVENT_NAMES_FENCE = "eventNames"


class Events:
    """The operations on events."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known_names: set[str] = set()

    async def get(self, id_: str) -> Event | None:
        return await self._store.events.get(id_)

    async def track(self, input_objects: Sequence[InputObject], now: datetime) -> BulkResult:
        """Stores the valid rows in one transaction. A row whose idempotency key is already stored
        is accepted and changes nothing."""
        rows = await run_in_thread_if_large(BulkRows.parse, EventInput, input_objects)
        return await self.write_rows(rows, now)

    async def write_rows(self, rows: BulkRows[EventInput], now: datetime) -> BulkResult:
        """Stores parsed rows, as `track` does."""
        if not rows.input_objects:
            return rows.to_result({})
        requested_names = {row.name for row in rows.parsed.values()}

        async def work(
            transaction: Transaction,
        ) -> tuple[set[str], tuple[dict[int, Sequence[Problem]], dict[int, RowChange]]]:
            known_names = self._known_names
            if not requested_names <= known_names:
                known_names = await self._store.events.names(transaction)
            return known_names, await self._write_rows(rows, now, known_names, transaction)

        keys = {row.customer.value for row in rows.parsed.values()}
        # Not before the commit: what a transaction reads, an election may take back until then.
        self._known_names, outcome = await self._store.transaction(work, keys=keys)
        return rows.to_result(*outcome)

    async def _write_rows(
        self,
        rows: BulkRows[EventInput],
        now: datetime,
        known_names: set[str],
        transaction: Transaction,
    ) -> tuple[dict[int, Sequence[Problem]], dict[int, RowChange]]:
        """Returns by index the problems of rejected rows, and what accepted rows did."""
        keys = [
            key for input_object in rows.input_objects if (key := _idempotency_key(input_object))
        ]
        known_keys = await self._known_keys(keys, transaction)
        refs = [row.customer for row in rows.parsed.values()]
        unit_of_work = await CustomerUnitOfWork.load(self._store, refs, transaction)
        batch = _EventBatch(unit_of_work, known_names, now)
        problems_by_index: dict[int, Sequence[Problem]] = {}
        changes: dict[int, RowChange] = {}
        time_slice = TimeSlice()
        for index, input_object in enumerate(rows.input_objects):
            await time_slice.yield_when_spent()
            key = _idempotency_key(input_object)
            if key is not None and key in known_keys:
                # A repeated row is accepted even if its other fields are invalid now.
                problems_by_index[index] = ()
                changes[index] = RowChange.UNCHANGED
            elif index in rows.parsed:
                try:
                    batch.add(rows.parsed[index])
                except InputError as error:
                    problems_by_index[index] = error.problems
                else:
                    known_keys.add(key)
                    changes[index] = RowChange.NEW
        if batch.new_names:
            # Conflicts with other transactions that add names, so that the limit on names holds.
            await self._store.increment_revision(_EVENT_NAMES_FENCE, transaction)
            await self._store.events.add_names(batch.new_names, transaction)
        await self._store.events.add(batch.events, transaction)
        await unit_of_work.save(self._store, now, transaction)
        return problems_by_index, changes

    async def _known_keys(self, keys: Sequence[str], transaction: Transaction) -> set[str | None]:
        valid_keys = [key for key in keys if len(key) <= MAX_KEY_LENGTH]
        return (
            {*await self._store.events.used_idempotency_keys(valid_keys, transaction)}
            if valid_keys
            else set()
        )


def _idempotency_key(input_object: InputObject) -> str | None:
    """Returns the idempotency key of a row, which may be invalid otherwise."""
    key = input_object.get("idempotencyKey")
    return to_nfc(key) if isinstance(key, str) else None


class _EventBatch:
    """The accepted events of one call, and the event names that they introduce."""

    def __init__(
        self, unit_of_work: CustomerUnitOfWork, known_names: set[str], now: datetime
    ) -> None:
        self._unit_of_work = unit_of_work
        self._known_names = known_names
        self._now = now
        self.events: list[Event] = []
        self.new_names: set[str] = set()

    def add(self, row: EventInput) -> None:
        """Adds the event and counts it in its customer. Raises InputError if the row is rejected;
        nothing has changed then."""
        at = resolve_occurred_at(row.at, self._now)
        customer = self._unit_of_work.get_or_create(row.customer)
        self._register_name(row.name)
        customer.record_event(row.name, at)
        self._unit_of_work.register_dirty(customer, force_version=True)
        event = Event(
            id=new_id(EntityKind.EVENT),
            customer_id=customer.id,
            name=row.name,
            at=at,
            properties=row.properties or {},
            customer_version=customer.next_version,
            idempotency_key=row.idempotency_key,
        )
        self.events.append(event)

    def _register_name(self, name: str) -> None:
        if name in self._known_names or name in self.new_names:
            return
        if len(self._known_names) + len(self.new_names) >= MAX_EVENT_NAMES:
            message = f"A project has at most {MAX_EVENT_NAMES:,} event names; use one that exists."
            raise input_error(UserErrorCode.TOO_MANY, message, "name")
        self.new_names.add(name)
