"""What can be done with the definitions of metadata: set them, and see to the values there."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from app.domain.metadata import (
    MOST_DEFINITIONS,
    UNDER_WAY,
    Definition,
    DefinitionState,
    read_definition,
)
from app.errors import Code, Problem, Refused, refuse
from app.filters import Calendar
from app.services.definitions import Definitions, DefinitionsReader
from app.services.jobs import Queue
from app.services.settling import Settling, TurnOver, commit
from app.services.uses import active_users, unfit_users
from app.store import Store, Transaction

SETTLE = "settle_metadata"


class Metadata:
    """The verbs of definitions."""

    def __init__(
        self, store: Store, definitions: DefinitionsReader, calendar: Calendar, queue: Queue
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._calendar = calendar
        self._queue = queue

    async def define(self, wire: Mapping[str, Any]) -> Definition:
        """Sets a key. New values must fit from now on; a job sees to those that are there."""
        wanted = read_definition(wire, self._calendar)
        while True:
            current = await self._definitions.now()
            known = current.metadata.definitions.get(wanted.key)
            defined = known.redefined(wanted) if known else wanted
            if defined == known:
                return defined
            await _require_room(defined, current)

            async def save(
                transaction: Transaction,
                current: Definitions = current,
                defined: Definition = defined,
            ) -> bool:
                await self._store.metadata.save(defined, current.revision + 1, transaction)
                return True

            if await commit(self._store, current, save):
                break
        if defined.state in UNDER_WAY:
            await self._queue.put(SETTLE, defined.key)
        return defined

    async def settle(self, key: str) -> None:
        """Takes one turn at the values of a key, unless another worker is at it."""
        owner = uuid4().hex
        claimed = await self._store.metadata.claim(key, owner)
        if claimed is None:
            return
        over = False
        try:
            await Settling(self._store, self._definitions, self._calendar, owner, *claimed).run()
        except TurnOver:
            over = True
        finally:
            await self._store.metadata.release(key, owner)
        if over:
            await self._queue.put(SETTLE, key)

    async def sweep(self) -> None:
        """Finds the keys that nobody is at work on: their worker was killed, or never heard."""
        for key in await self._store.metadata.unattended():
            await self._queue.put(SETTLE, key)


async def _require_room(wanted: Definition, current: Definitions) -> None:
    """Refused where there are too many definitions, or filters that use the key are in the way."""
    known = current.metadata.definitions
    if wanted.key not in known and len(known) >= MOST_DEFINITIONS:
        message = f"A project has at most {MOST_DEFINITIONS:,} definitions; use one of those."
        raise refuse(Code.TOO_MANY, message, "input", "key")
    if wanted.state is not DefinitionState.CHECKING:
        return
    reasons = (await unfit_users(wanted, current), active_users(wanted, current))
    path = ("input", "key")
    if problems := [Problem(Code.INVALID, reason, path) for reason in reasons if reason]:
        raise Refused(problems)
