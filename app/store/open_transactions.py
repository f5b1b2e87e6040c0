"""The transactions that are open in MongoDB."""

from collections.abc import Mapping
from typing import Any

import structlog
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from app.store.collections import Database
from app.store.limited_database import LimitedDatabase

log = structlog.get_logger()

# Unauthorized, and the codes of managed MongoDB services for commands that they do not offer.
_NOT_ALLOWED_CODES = (13, 59, 115, 8000)
# A session that changes from idle to active while MongoDB lists them may be missing from the list.
_LIST_ATTEMPTS = 3

TransactionKey = tuple[bytes, int]


class OpenTransactions:
    """Lists the open transactions of all processes."""

    def __init__(self, database: Database) -> None:
        # $currentOp accepts no other read concern.
        self._admin = LimitedDatabase(database.client, "admin", read_concern=ReadConcern("local"))

    async def list_keys(self) -> set[TransactionKey]:
        """Returns a key of each open transaction.

        Without the privilege `inprog` (part of the role clusterMonitor) a replica set lists only
        transactions of the program's own user. A sharded cluster then lists none, and the program
        logs a warning.
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
        log.warning(
            "open transactions can't be listed; grant the role clusterMonitor", error=last_error
        )
        return set()

    async def _list_open(self, *, all_users: bool) -> set[TransactionKey]:
        stages: list[Mapping[str, Any]] = [
            {"$currentOp": {"allUsers": all_users, "idleSessions": True}},
            {"$match": {"transaction.parameters.autocommit": False}},
            {"$project": {"session": "$lsid.id", "number": "$transaction.parameters.txnNumber"}},
        ]
        cursor = self._admin.aggregate(stages)
        return {(bytes(row["session"]), int(row["number"])) async for row in cursor}
