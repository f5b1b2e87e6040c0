"""Code pools: create, fill and delete them; generate codes."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from time import monotonic
from uuid import uuid4

from app.domain.codes import (
    DEFAULT_PATTERN,
    MAX_POOLS,
    MAX_RECIPIENTS_PER_CODE,
    CodePattern,
    CodePool,
    CodeRecipient,
    require_codes_absent,
    validate_codes,
    validate_pattern,
)
from app.domain.ids import EntityKind
from app.domain.inputs import CodePoolInput, InputObject, parse_input
from app.domain.uses import Use
from app.errors import UserErrorCode, input_error
from app.filters.fields import is_storable
from app.services.definitions_reader import DefinitionsReader
from app.services.idempotency import WITHOUT_KEY, CreationRecorder
from app.services.job_queue import JobQueue
from app.services.uses import require_pool_unused
from app.store import Store, Transaction
from app.store.code_pools import CODE_POOLS_REVISION
from app.store.ids import new_id

GENERATE_CODES_JOB = "generate_codes"

# Fewer codes are generated in the transaction that creates the pool.
MAX_CODES_GENERATED_AT_ONCE = 1_000
_CODES_PER_BATCH = 5_000
# Shorter than arq's timeout of a job.
_MAX_RUN_SECONDS = 120


class CodePools:
    """The operations on code pools."""

    def __init__(self, store: Store, definitions: DefinitionsReader, queue: JobQueue) -> None:
        self._store = store
        self._definitions = definitions
        self._queue = queue

    async def all(self) -> list[CodePool]:
        return await self._store.code_pools.all()

    async def get(self, id_: str) -> CodePool | None:
        return await self._store.code_pools.get(id_)

    async def get_many(self, ids: Iterable[str]) -> dict[str, CodePool]:
        """Returns, by id, the pools that exist."""
        return await self._store.code_pools.get_many(ids)

    async def uses(self, ids: Iterable[str]) -> dict[str, list[Use]]:
        """Returns, by pool, its uses, which prevent its deletion."""
        definitions = await self._definitions.latest()
        return {id_: definitions.uses_of_pool(id_) for id_ in ids}

    async def recipients(self, code: str) -> list[CodeRecipient]:
        """Returns who got this code of any pool, newest first; MAX_RECIPIENTS_PER_CODE at most."""
        if not is_storable(code):
            return []
        deliveries, rewards = await asyncio.gather(
            self._store.deliveries.find_by_code(code, MAX_RECIPIENTS_PER_CODE),
            self._store.referral_rewards.find_by_code(code, MAX_RECIPIENTS_PER_CODE),
        )
        recipients = [
            CodeRecipient(delivery.customer_id, delivery.distribution_id, delivery.created_at)
            for delivery in deliveries
            if delivery.distribution_id is not None
        ]
        recipients += [
            CodeRecipient(reward.customer_id, reward.tier_id, reward.given_at)
            for reward in rewards
            if reward.given_at is not None
        ]
        recipients.sort(key=lambda recipient: recipient.at, reverse=True)
        return recipients[:MAX_RECIPIENTS_PER_CODE]

    async def create(
        self,
        input_object: InputObject,
        now: datetime,
        recorder: CreationRecorder = WITHOUT_KEY,
    ) -> CodePool:
        """Creates a pool with the codes that were sent, with generated ones, or without codes.
        A job generates codes if there are many. Raises InputError if the input is invalid."""
        row = parse_input(CodePoolInput, input_object, "input")
        if row.codes is not None and row.generate is not None:
            message = "Send codes or generate, not both; add the codes afterwards."
            raise input_error(UserErrorCode.INVALID, message, "input")
        codes = row.codes or []
        validate_codes(codes, "input", "codes")
        pattern = None
        if row.generate is not None:
            text, count = row.generate.pattern or DEFAULT_PATTERN, row.generate.count
            pattern = validate_pattern(text, count, "input", "generate")
            if count <= MAX_CODES_GENERATED_AT_ONCE:
                codes, pattern = pattern.generate_distinct(count), None
        pool = CodePool(new_id(EntityKind.CODE_POOL), row.name, now)

        async def work(transaction: Transaction) -> None:
            await recorder.record(pool.id, transaction)
            await self._store.increment_revision(CODE_POOLS_REVISION, transaction)
            if await self._store.code_pools.count(transaction) >= MAX_POOLS:
                message = f"A project has at most {MAX_POOLS:,} code pools; delete one first."
                raise input_error(UserErrorCode.TOO_MANY, message, "input")
            await self._store.code_pools.add(pool, transaction)
            await self._add_codes(pool.id, codes, transaction, "input", "codes")
            if pattern is not None:
                await self._store.code_pools.start_generation(pool.id, pattern, count, transaction)

        await self._store.transaction(work)
        if pattern is not None:
            await self._queue.enqueue(GENERATE_CODES_JOB, pool.id)
            return replace(pool, generating_count=count)
        return replace(pool, total_count=len(codes))

    async def add_codes(
        self, id_: str, codes: Sequence[str], recorder: CreationRecorder = WITHOUT_KEY
    ) -> CodePool:
        """Adds the codes at the end of the pool. Raises InputError, and adds none, if one is
        invalid or in the pool already."""
        validate_codes(codes, "codes")

        async def work(transaction: Transaction) -> CodePool:
            await recorder.record(id_, transaction)
            await self._add_codes(id_, codes, transaction, "codes")
            pool = await self._store.code_pools.get(id_, transaction)
            assert pool is not None, "the transaction has locked the pool"
            return pool

        return await self._store.transaction(work, keys=[f"codes of {id_}"])

    async def _add_codes(
        self, id_: str, codes: Sequence[str], transaction: Transaction, *path: str
    ) -> None:
        first = await self._store.code_pools.reserve(id_, len(codes), transaction)
        if first is None:
            await self._require_pool(id_, transaction)
            message = "A job is still generating codes of this pool; add codes when it has ended."
            raise input_error(UserErrorCode.INVALID, message, "id")
        existing = await self._store.code_pools.existing_codes(id_, codes, transaction)
        require_codes_absent(codes, existing, *path)
        await self._store.code_pools.insert(id_, first, codes, transaction)

    async def delete(self, id_: str) -> CodePool:
        """Deletes the pool with its codes. Raises INVALID if something uses it.

        The transaction writes a tombstone; the sweeper removes the codes later.
        """

        async def work(transaction: Transaction) -> CodePool:
            definitions = await self._definitions.lock(transaction)
            pool = await self._require_pool(id_, transaction)
            require_pool_unused(definitions.uses_of_pool(id_))
            await self._store.code_pools.delete(id_, transaction)
            await self._store.code_pool_tombstones.add(id_, transaction)
            return pool

        return await self._store.transaction(work)

    async def _require_pool(self, id_: str, transaction: Transaction) -> CodePool:
        pool = await self._store.code_pools.get(id_, transaction)
        if pool is None:
            raise input_error(UserErrorCode.NOT_FOUND, "There is no such code pool.", "id")
        return pool

    async def generate(self, id_: str) -> None:
        """Generates codes of the pool for at most two minutes, and enqueues the rest. Does nothing
        if there is nothing to generate, or if another worker does it."""
        owner = uuid4().hex
        async with self._store.session() as session:
            acquired = await self._store.code_pools.acquire_generation(id_, owner, session)
            if acquired is None:
                return
            pattern, remaining_count = acquired
            deadline = monotonic() + _MAX_RUN_SECONDS
            try:
                while remaining_count and monotonic() < deadline:
                    batch_size = min(remaining_count, _CODES_PER_BATCH)
                    added_count = await self._generate_batch(
                        id_, owner, pattern, batch_size, session
                    )
                    if added_count is None:
                        return
                    remaining_count -= added_count
            finally:
                await self._store.code_pools.release_generation(id_, owner)
        if remaining_count:
            await self._queue.enqueue(GENERATE_CODES_JOB, id_)

    async def _generate_batch(
        self, id_: str, owner: str, pattern: CodePattern, batch_size: int, session: Transaction
    ) -> int | None:
        """Adds `batch_size` codes, less those that the pool has already, and returns their number.
        Returns None if the pool was deleted or another owner generates its codes."""

        async def work(transaction: Transaction) -> int | None:
            codes = pattern.generate_distinct(batch_size)
            existing = await self._store.code_pools.existing_codes(id_, codes, transaction)
            new_codes = [code for code in codes if code not in existing]
            first = await self._store.code_pools.reserve_generated(
                id_, owner, len(new_codes), transaction
            )
            if first is None:
                return None
            await self._store.code_pools.insert(id_, first, new_codes, transaction)
            return len(new_codes)

        return await self._store.transaction(work, session)

    async def enqueue_unattended(self) -> None:
        """Enqueues the generations that have no worker, because their worker was killed or their
        job was lost."""
        for id_ in await self._store.code_pools.unattended_generations():
            await self._queue.enqueue(GENERATE_CODES_JOB, id_)
