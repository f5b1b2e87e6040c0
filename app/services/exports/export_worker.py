"""Writes the pending exports, some seconds each in turn, and deletes files that have expired."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from uuid import uuid4

import structlog

from app.domain.exports import ClaimedExport
from app.errors import LeaseLost
from app.services.definitions_reader import DefinitionsReader
from app.services.exports.definition import ExportOutdated
from app.services.exports.export_run import ExportRun
from app.services.exports.export_settings import ExportSettings
from app.services.job_queue import JobQueue
from app.services.query_planner import QueryPlanner
from app.store import DatabaseError, Store, Transaction, is_outage, message_of
from app.store.leases import Holder

log = structlog.get_logger()

RUN_EXPORTS_JOB = "run_exports"

# Exports that one process writes at the same time: it bounds the memory.
_MAX_CONCURRENT_RUNS = 2
# Shorter than arq's timeout of a job.
_MAX_JOB_SECONDS = 120
# How soon a worker notices that its export is canceled.
_POLL_SECONDS = 0.5
_MAX_ATTEMPTS = 8
_MAX_RETRY_SECONDS = 60
_MAX_ENQUEUED_JOBS = 20
_FILES_PER_SWEEP = 100
_FAILED_MESSAGE = (
    f"The export failed {_MAX_ATTEMPTS} times without any progress, by an error of the server. Try"
    " again; if that fails, too, the log of the workers says why."
)


class ExportWorker:
    """One process's share of the work on exports."""

    def __init__(
        self,
        store: Store,
        definitions: DefinitionsReader,
        query_planner: QueryPlanner,
        queue: JobQueue,
        settings: ExportSettings,
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._query_planner = query_planner
        self._queue = queue
        self._settings = settings
        self._run_count = 0

    async def run_pending(self) -> None:
        """Writes pending exports, the one that has waited longest first, until none is left, or
        for at most two minutes; then enqueues the rest. Does nothing if this process already
        writes as many as it may: the running jobs get to the others."""
        if self._run_count >= _MAX_CONCURRENT_RUNS:
            return
        self._run_count += 1
        try:
            deadline = monotonic() + _MAX_JOB_SECONDS
            while await self.run_next():
                if monotonic() > deadline:
                    await self._queue.enqueue(RUN_EXPORTS_JOB)
                    return
        except Exception as error:
            if not is_outage(error):
                raise
            # enqueue_unattended() enqueues the exports again.
            log.warning("exports interrupted", error=message_of(error))
        finally:
            self._run_count -= 1

    async def run_next(self) -> bool:
        """Writes one export for some seconds. Returns False if none waits for a worker."""
        owner = uuid4().hex
        async with self._store.heartbeats.keep_alive(owner), self._store.session() as session:
            claimed = await self._store.exports.claim_next(Holder(owner, owner, session))
            if claimed is None:
                return False
            await self._run(claimed, owner, session)
            return True

    async def enqueue_unattended(self) -> None:
        """Enqueues a job for each export that waits for a worker: because Redis has lost its job,
        its worker was killed, or it is due for another attempt."""
        for _ in range(await self._store.exports.count_claimable(_MAX_ENQUEUED_JOBS)):
            await self._queue.enqueue(RUN_EXPORTS_JOB)

    async def sweep(self) -> None:
        """Deletes the files of exports that have expired or ended early, and exports that ended
        long ago."""
        for id_ in await self._store.exports.ids_with_obsolete_file(_FILES_PER_SWEEP):
            await self._store.export_files.delete(id_)
            await self._store.exports.forget_file(id_)
        await self._store.exports.delete_old()

    async def _run(self, claimed: ClaimedExport, owner: str, session: Transaction) -> None:
        exports, id_ = self._store.exports, claimed.export.id
        if claimed.attempt > _MAX_ATTEMPTS:
            await exports.fail(id_, owner, _FAILED_MESSAGE)
            return
        retry_in, counts = timedelta(0), True
        try:
            run = ExportRun(
                self._store,
                self._definitions,
                self._query_planner,
                self._settings,
                claimed,
                owner,
                session,
            )
            await self._run_while_held(run, id_, owner)
        except ExportOutdated as error:
            await exports.fail(id_, owner, str(error))
        except LeaseLost:
            log.info("export canceled or taken over by another worker", export=id_)
        except Exception as error:
            if is_outage(error):
                counts = False
                raise
            log.exception("export failed", export=id_, attempt=claimed.attempt)
            retry_in = timedelta(seconds=min(2**claimed.attempt, _MAX_RETRY_SECONDS))
        finally:
            # Without it the export would wait until the heartbeat expires.
            with suppress(DatabaseError):
                await exports.release(id_, owner, retry_in=retry_in, counts=counts)

    async def _run_while_held(self, run: ExportRun, id_: str, owner: str) -> None:
        """Runs, and stops soon after the export is canceled."""
        task = asyncio.create_task(run.run())
        try:
            while not (await asyncio.wait({task}, timeout=_POLL_SECONDS))[0]:
                with suppress(DatabaseError):
                    if not await self._store.exports.is_held(id_, owner):
                        raise LeaseLost(f"This worker no longer holds the export {id_}.")
            task.result()
        finally:
            task.cancel()
            await asyncio.wait({task})
