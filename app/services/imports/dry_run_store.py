"""A store for dry runs: it validates everything and stores nothing."""

from collections.abc import Iterable, Sequence
from typing import Any

from app.domain.customers import TrackedCustomer
from app.domain.events import Event
from app.domain.orders import Order
from app.settings import Settings
from app.store import Store, Transaction
from app.store.customers import Customers
from app.store.events import Events
from app.store.orders import Orders
from app.store.store import Result, Work


class _RolledBack(Exception):
    """Aborts a transaction and carries its result out of it."""

    def __init__(self, result: Any) -> None:
        self.result = result


class DryRunStore(Store):
    """A store that rolls back each transaction after it has run to its end.

    It also skips the bulk writes, because many rolled back writes slow MongoDB down.
    """

    def __init__(self, client: Any, database: Any, settings: Settings, connect: Any) -> None:
        super().__init__(client, database, settings, connect)
        self.customers = _DryRunCustomers(database, self._query_budget)
        self.events = _DryRunEvents(database)
        self.orders = _DryRunOrders(database)

    async def transaction(
        self,
        work: Work[Result],
        session: Transaction | None = None,
        *,
        keys: Iterable[str] = (),
    ) -> Result:
        async def run_and_roll_back(transaction: Transaction) -> Result:
            raise _RolledBack(await work(transaction))

        try:
            return await super().transaction(run_and_roll_back, session, keys=keys)
        except _RolledBack as rollback:
            result: Result = rollback.result
            return result


class _DryRunCustomers(Customers):
    async def save(
        self, tracked_customers: Iterable[TrackedCustomer], transaction: Transaction
    ) -> None:
        """Writes nothing."""


class _DryRunEvents(Events):
    async def add(self, events: Sequence[Event], transaction: Transaction) -> None:
        """Writes nothing."""


class _DryRunOrders(Orders):
    async def revise(
        self,
        superseded: Iterable[tuple[Order, int]],
        added: Iterable[tuple[Order, int]],
        transaction: Transaction,
    ) -> None:
        """Writes nothing."""
