"""Metadata definitions: set them, and start the conversion of stored values."""

from uuid import uuid4

from app.domain.inputs import InputObject
from app.domain.metadata import (
    IN_PROGRESS_STATES,
    MAX_DEFINITIONS,
    DefinitionState,
    KeyDefinition,
)
from app.domain.metadata_definition_input import parse_definition
from app.errors import InputError, Problem, UserErrorCode, input_error
from app.filters import Calendar
from app.services.definitions import Definitions
from app.services.definitions_reader import DefinitionsReader
from app.services.job_queue import JobQueue
from app.services.metadata_conversion import (
    ConversionInterrupted,
    MetadataConversion,
    commit_if_current,
)
from app.services.uses import active_users, incompatible_users
from app.store import Store, Transaction

CONVERT_METADATA_JOB = "convert_metadata"


class Metadata:
    """The operations on metadata definitions."""

    def __init__(
        self, store: Store, definitions: DefinitionsReader, calendar: Calendar, queue: JobQueue
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._calendar = calendar
        self._queue = queue

    async def define(self, input_object: InputObject) -> KeyDefinition:
        """Sets the definition of a key. New values must fit it from now on. A background job checks
        and converts the stored values. Raises InputError if the key can't be defined like this."""
        requested = parse_definition(input_object, self._calendar)
        while True:
            current = await self._definitions.latest()
            existing = current.metadata_schema.definitions.get(requested.key)
            updated = existing.redefine(requested) if existing else requested
            if updated == existing:
                return updated
            await _require_definable(updated, current)

            async def save(
                transaction: Transaction,
                current: Definitions = current,
                updated: KeyDefinition = updated,
            ) -> bool:
                await self._store.metadata_definitions.save(
                    updated, current.revision + 1, transaction
                )
                return True

            if await commit_if_current(self._store, current, save):
                break
        if updated.state in IN_PROGRESS_STATES:
            await self._queue.enqueue(CONVERT_METADATA_JOB, updated.key)
        return updated

    async def convert(self, key: str) -> None:
        """Runs the conversion of a key for at most two minutes, and enqueues the rest. Does nothing
        if another worker holds the key."""
        owner = uuid4().hex
        claimed = await self._store.metadata_definitions.claim(key, owner)
        if claimed is None:
            return
        is_interrupted = False
        try:
            await MetadataConversion(
                self._store, self._definitions, self._calendar, owner, *claimed
            ).run()
        except ConversionInterrupted:
            is_interrupted = True
        finally:
            await self._store.metadata_definitions.release(key, owner)
        if is_interrupted:
            await self._queue.enqueue(CONVERT_METADATA_JOB, key)

    async def enqueue_unattended(self) -> None:
        """Enqueues the conversion of all keys that are pending and have no worker, because their
        worker was killed or their job was lost."""
        for key in await self._store.metadata_definitions.claimable_keys():
            await self._queue.enqueue(CONVERT_METADATA_JOB, key)


async def _require_definable(requested: KeyDefinition, current: Definitions) -> None:
    """Raises TOO_MANY above the limit of definitions, and INVALID if users of the key do not fit
    the definition."""
    existing = current.metadata_schema.definitions
    if requested.key not in existing and len(existing) >= MAX_DEFINITIONS:
        message = (
            f"A project has at most {MAX_DEFINITIONS:,} metadata definitions; use one that exists."
        )
        raise input_error(UserErrorCode.TOO_MANY, message, "input", "key")
    if requested.state is not DefinitionState.CHECKING:
        return
    reasons = (await incompatible_users(requested, current), active_users(requested, current))
    path = ("input", "key")
    if problems := [Problem(UserErrorCode.INVALID, reason, path) for reason in reasons if reason]:
        raise InputError(problems)
