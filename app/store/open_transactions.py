"""The transactions that are open in MongoDB."""

from collections.abc import Mapping
from typing import Any

import structlog
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from app.store.collections import Database

log = structlog.get_logger()

# Unauthorized, and what a managed MongoDB says to a command that it does not offer.
_NOT_ALLOWED_CODES = (13, 59, 115, 8000)
# A session that changes from idle to active while MongoDB lists them may be missing from the list.
_LIST_ATTEMPTS = 3

TransactionKey = tuple[bytes, int]


class OpenTransactions:
    """Lists the open transactions, of whatever process."""

    def __init__(self, database: Database) -> None:
        # What is open is no matter of a majority: MongoDB lists it with this read concern alone.
        self._admin = database.client.get_database("admin", read_concern=ReadConcern("local"))

    async def list_keys(self) -> set[TransactionKey]:
        """A key of each transaction that is open now.

        Without the privilege `inprog` (as in the role clusterMonitor) a replica set lists those of
        our own user; a sharded cluster lists none, and a warning says so.
        """
        keys: set[TransactionKey] = set()
        for _ in range(_LIST_ATTEMPTS):
            keys |= await self._list_permitted()
        return keys

    async def _list_permitted(self) -> set[TransactionKey]:
        for all_users in (True, False):
            try:
                return await self._list_open(all_users=all_users)
            except OperationFailure as error:
                if error.code not in _NOT_ALLOWED_CODES:
                    raise
                last_error = str(error)
        log.warning("MongoDB does not let us list its open transactions", error=last_error)
        return set()

    async def _list_open(self, *, all_users: bool) -> set[TransactionKey]:
        stages: list[Mapping[str, Any]] = [
            {"$currentOp": {"allUsers": all_users, "idleSessions": True}},
            {"$match": {"transaction.parameters.autocommit": False}},
            {"$project": {"session": "$lsid.id", "number": "$transaction.parameters.txnNumber"}},
        ]
        cursor = self._admin.aggregate(stages)
        return {(bytes(row["session"]), int(row["number"])) async for row in cursor}
