"""A store in which everything is tried and nothing is kept."""

from typing import Any

from app.store import Store, Transaction
from app.store.store import Result, Work


class _Undone(Exception):
    """Ends a transaction, so that nothing of it stays."""

    def __init__(self, result: Any) -> None:
        self.result = result


class Rehearsal(Store):
    """Each transaction runs to its end and is then taken back."""

    async def transaction(self, work: Work[Result]) -> Result:
        async def undone(transaction: Transaction) -> Result:
            raise _Undone(await work(transaction))

        try:
            return await super().transaction(undone)
        except _Undone as end:
            result: Result = end.result
            return result
