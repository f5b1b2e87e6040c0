"""How the values of a key are brought under its definition: looked through, then rewritten.

Every step may be cut off anywhere and taken again. A writer takes the definitions from the snapshot
of its transaction. So only transactions that were open when a step was committed may still write by
older definitions: each step first waits until those have ended (RCU calls this a grace period), and
then sees all that they wrote. Where MongoDB does not let us see the open transactions, and for what
is written past the program, the values are gone over until nothing is left to do, once more when
the key is READY, and for two minutes after by the sweeper.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import Any

import structlog

from app.backoff import Backoff
from app.domain.metadata import UNDER_WAY, Definition, DefinitionState, Survey
from app.filters import Calendar
from app.services.active_filters import ActiveFilters
from app.services.definitions import Definitions, DefinitionsReader
from app.services.uses import active_users, unfit_users
from app.store import Store, Transaction
from app.store.metadata import Held
from app.store.segments import REVISION

log = structlog.get_logger()

_PAGE = 1_000
# Shorter than the time after which arq gives up a job.
_TURN_SECONDS = 120
# How soon the open transactions are listed again, at first and at last.
_LOOK_SECONDS = (0.01, 0.5)


class TurnOver(Exception):
    """The owner's time is up, or the key is somebody else's now."""


class Settling:
    """One owner's turn at the values of one key."""

    def __init__(
        self,
        store: Store,
        definitions: DefinitionsReader,
        calendar: Calendar,
        owner: str,
        definition: Definition,
        survey: Survey,
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._calendar = calendar
        self._owner = owner
        self._definition = definition
        self._survey = survey
        self._ends = monotonic() + _TURN_SECONDS

    async def run(self) -> None:
        """Goes from step to step until none is left. TurnOver where it ends before that."""
        while self._definition.state is not DefinitionState.REFUSED:
            if self._definition.state in UNDER_WAY:
                await self._wait_for_older_writers()
            if self._definition.state is DefinitionState.CHECKING:
                await self._look_through()
            else:
                await self._rewrite()
            if self._definition.state is DefinitionState.READY or not await self._advance():
                return

    async def _wait_for_older_writers(self) -> None:
        """Returns when all transactions that are open now have ended. MongoDB gives them a minute
        by default."""
        look = Backoff(*_LOOK_SECONDS)
        older = await self._store.open_transactions.keys()
        while older:
            await look.wait()
            await self._go_on()
            older &= await self._store.open_transactions.keys()

    async def _look_through(self) -> None:
        """Counts the values that do not fit."""
        while page := await self._page(None, self._survey.after):
            for held in page:
                try:
                    self._definition.judge(held.value, self._calendar)
                except ValueError as error:
                    shown = self._definition.shown(held.value)
                    self._survey = self._survey.misfit(shown, held.source_id, str(error))
            self._survey = replace(self._survey, after=page[-1].customer_id)
            await self._go_on()

    async def _rewrite(self) -> None:
        """Converts what there is to convert, again and again until nothing is."""
        if self._definition.to_convert:
            while await self._rewrite_once():
                pass

    async def _rewrite_once(self) -> int:
        changed = seen = 0
        after = None
        while page := await self._page(self._definition.to_convert, after):
            changes = list(self._converted(page))
            changed += await self._store.metadata.rewrite(self._definition.key, changes)
            seen += len(page)
            after = page[-1].customer_id
            await self._go_on()
        if seen and not changed:
            log.warning("values do not fit", key=self._definition.key, values=seen)
        return changed

    def _converted(self, page: Sequence[Held]) -> Iterator[tuple[Held, Any]]:
        for held in page:
            with suppress(ValueError):
                yield held, self._definition.convert(held.value, self._calendar)

    async def _page(self, type_: str | None, after: str | None) -> list[Held]:
        return await self._store.metadata.held(self._definition.key, type_, after, _PAGE)

    async def _go_on(self) -> None:
        mine = await self._store.metadata.beat(self._definition.key, self._owner, self._survey)
        if not mine or monotonic() > self._ends:
            raise TurnOver

    async def _advance(self) -> bool:
        """Commits the next step; False where something keeps the key from going further."""
        while True:
            current = await self._definitions.now()
            following = await self._following(current)
            if following == self._definition:
                return False

            async def save(
                transaction: Transaction,
                current: Definitions = current,
                following: Definition = following,
            ) -> bool:
                if following.state is DefinitionState.READY:
                    changed = current.defined(following)
                    ids = [segment.id for segment in changed.users_of_key(following.key)]
                    await ActiveFilters(self._store).follow(changed, ids, transaction)
                return await self._store.metadata.advance(
                    following, self._owner, current.revision + 1, transaction
                )

            if await commit(self._store, current, save):
                self._definition = following
                return following.problem is None

    async def _following(self, current: Definitions) -> Definition:
        """The definition one step further, or with the problem that keeps it from going there."""
        definition = self._definition
        following = definition.next()
        if definition.state is DefinitionState.CHECKING:
            problem = (
                self._survey.problem
                or await unfit_users(definition, current)
                or active_users(definition, current)
            )
            return definition.refused(problem) if problem else following
        if following.state is DefinitionState.READY:
            # A filter made meanwhile: the values are rewritten, and it can still be edited.
            problem = await unfit_users(definition, current)
            return replace(definition, problem=problem) if problem else following
        return following


class _Overtaken(Exception):
    """Another change of the definitions was committed first."""


async def commit(
    store: Store, current: Definitions, save: Callable[[Transaction], Awaitable[bool]]
) -> bool:
    """Saves what was decided by the current definitions, if they are still current."""

    async def work(transaction: Transaction) -> None:
        if await store.fence(REVISION, transaction) != current.revision + 1:
            raise _Overtaken
        if not await save(transaction):
            raise TurnOver

    try:
        await store.transaction(work)
    except _Overtaken:
        return False
    return True
