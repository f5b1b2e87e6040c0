"""Checks and converts the stored values of a metadata key after its definition has changed.

Each step can be interrupted anywhere and repeated. A writer reads the definitions in the snapshot
of its transaction, so only transactions that were open when a step was committed may still write by
older definitions. Each step first waits until those have ended (a grace period, as in RCU), and
then sees everything that they wrote.

The program may lack the permission to list open transactions, and other programs may write values,
too. So the conversion is repeated until no value changes, once more when the key is READY, and by
the sweeper for two minutes after that.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import Any

import structlog

from app.backoff import Backoff
from app.domain.metadata import (
    IN_PROGRESS_STATES,
    DefinitionState,
    KeyDefinition,
    ValidationProgress,
)
from app.filters import Calendar
from app.services.active_filters import ActiveFilters
from app.services.definitions import Definitions
from app.services.definitions_reader import DefinitionsReader
from app.services.uses import active_users, incompatible_users
from app.store import Store, Transaction
from app.store.metadata_definitions import StoredValue
from app.store.segments import DEFINITIONS_REVISION

log = structlog.get_logger()

_PAGE_SIZE = 1_000
# Shorter than arq's timeout of a job.
_MAX_RUN_SECONDS = 120
# Delays between two lists of the open transactions.
_FIRST_POLL_SECONDS = 0.01
_MAX_POLL_SECONDS = 0.5


class ConversionInterrupted(Exception):
    """The owner's time is up, or another owner has the key now."""


class MetadataConversion:
    """One owner's run of the conversion of one key. `progress` is where the last run ended."""

    def __init__(
        self,
        store: Store,
        definitions: DefinitionsReader,
        calendar: Calendar,
        owner: str,
        definition: KeyDefinition,
        progress: ValidationProgress,
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._calendar = calendar
        self._owner = owner
        self._definition = definition
        self._progress = progress
        self._deadline = monotonic() + _MAX_RUN_SECONDS

    async def run(self) -> None:
        """Runs the steps until the key is READY or REFUSED, or can't become READY now. Raises
        ConversionInterrupted if the time is up or another owner has the key."""
        while self._definition.state is not DefinitionState.REFUSED:
            if self._definition.state in IN_PROGRESS_STATES:
                await self._wait_for_older_writers()
            if self._definition.state is DefinitionState.CHECKING:
                await self._check_values()
            else:
                await self._convert_values()
            if self._definition.state is DefinitionState.READY or not await self._advance():
                return

    async def _wait_for_older_writers(self) -> None:
        """Waits until all transactions that are open now have ended. MongoDB limits them to a
        minute by default."""
        backoff = Backoff(_FIRST_POLL_SECONDS, _MAX_POLL_SECONDS)
        older_transactions = await self._store.open_transactions.list_keys()
        while older_transactions:
            await backoff.wait()
            await self._heartbeat()
            older_transactions &= await self._store.open_transactions.list_keys()

    async def _check_values(self) -> None:
        """Counts the stored values that do not fit the definition."""
        while page := await self._read_page((), self._progress.last_customer_id):
            for stored_value in page:
                try:
                    self._definition.check_stored_value(stored_value.value, self._calendar)
                except ValueError as error:
                    json_value = self._definition.decode_current(stored_value.value)
                    self._progress = self._progress.add_invalid_value(
                        json_value, stored_value.source_id, str(error)
                    )
            self._progress = replace(self._progress, last_customer_id=page[-1].customer_id)
            await self._heartbeat()

    async def _convert_values(self) -> None:
        """Converts stored values until a run over all customers changes none."""
        if self._definition.bson_types_to_convert:
            while await self._convert_values_once():
                pass

    async def _convert_values_once(self) -> int:
        """Converts the values of all customers once. Returns how many it has changed."""
        changed_count = seen_count = 0
        last_customer_id = None
        while page := await self._read_page(
            self._definition.bson_types_to_convert, last_customer_id
        ):
            changes = list(self._convert_page(page))
            changed_count += await self._store.metadata_definitions.replace_values(
                self._definition.key, changes
            )
            seen_count += len(page)
            last_customer_id = page[-1].customer_id
            await self._heartbeat()
        if seen_count and not changed_count:
            log.warning(
                "stored values violate their metadata definition",
                key=self._definition.key,
                values=seen_count,
            )
        return changed_count

    def _convert_page(self, page: Sequence[StoredValue]) -> Iterator[tuple[StoredValue, Any]]:
        for stored_value in page:
            with suppress(ValueError):
                yield stored_value, self._definition.convert(stored_value.value, self._calendar)

    async def _read_page(self, bson_types: Sequence[str], after: str | None) -> list[StoredValue]:
        return await self._store.metadata_definitions.stored_values(
            self._definition.key, bson_types, after, _PAGE_SIZE
        )

    async def _heartbeat(self) -> None:
        is_owner = await self._store.metadata_definitions.save_progress(
            self._definition.key, self._owner, self._progress
        )
        if not is_owner or monotonic() > self._deadline:
            raise ConversionInterrupted

    async def _advance(self) -> bool:
        """Commits the next state. Returns False if the definition can't advance."""
        while True:
            current = await self._definitions.latest()
            next_definition = await self._next_definition(current)
            if next_definition == self._definition:
                return False

            async def save(
                transaction: Transaction,
                current: Definitions = current,
                next_definition: KeyDefinition = next_definition,
            ) -> bool:
                if next_definition.state is DefinitionState.READY:
                    changed = current.with_definition(next_definition)
                    ids = [
                        segment.id for segment in changed.segments_using_key(next_definition.key)
                    ]
                    await ActiveFilters(self._store).supersede(changed, ids, transaction)
                return await self._store.metadata_definitions.advance(
                    next_definition, self._owner, current.revision + 1, transaction
                )

            if await commit_if_current(self._store, current, save):
                self._definition = next_definition
                return next_definition.problem is None

    async def _next_definition(self, current: Definitions) -> KeyDefinition:
        """Returns the next state of the definition, or the definition with the problem that keeps
        it from advancing."""
        definition = self._definition
        next_definition = definition.next_state()
        if definition.state is DefinitionState.CHECKING:
            problem = (
                self._progress.problem
                or await incompatible_users(definition, current)
                or active_users(definition, current)
            )
            return definition.as_refused(problem) if problem else next_definition
        if next_definition.state is DefinitionState.READY:
            # A filter that was created meanwhile does not fit. The values are converted already;
            # the key becomes READY once the client has edited the filter.
            problem = await incompatible_users(definition, current)
            return replace(definition, problem=problem) if problem else next_definition
        return next_definition


class _RevisionConflict(Exception):
    """Another transaction has changed the definitions first."""


async def commit_if_current(
    store: Store, current: Definitions, save: Callable[[Transaction], Awaitable[bool]]
) -> bool:
    """Runs `save` in a transaction that increments the definitions revision. Returns False, and
    saves nothing, if `current` is not the latest revision. Raises ConversionInterrupted if `save`
    returns False."""

    async def work(transaction: Transaction) -> None:
        if (
            await store.increment_revision(DEFINITIONS_REVISION, transaction)
            != current.revision + 1
        ):
            raise _RevisionConflict
        if not await save(transaction):
            raise ConversionInterrupted

    try:
        await store.transaction(work)
    except _RevisionConflict:
        return False
    return True
