"""Reads the customers of lists: their metadata only if these are selected, and within a budget."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, nullcontext

from app.domain.customers import Customer as StoredCustomer
from app.schema.context import Info
from app.schema.customers import Customer
from app.schema.metadata_budget import MetadataBudget
from app.schema.selection import selects_field

METADATA_FIELDS = ("metadata", "segments")
"""The fields of a customer that need the metadata: filters of segments may read them."""


class CustomersReading:
    """A list of customers that is being read."""

    def __init__(self, budget: MetadataBudget | None) -> None:
        self.with_metadata = budget is not None
        """Whether the selection contains one of METADATA_FIELDS."""
        self._budget = budget

    def count(self, customers: Iterable[StoredCustomer]) -> None:
        """Raises PageTooLarge if the operation reads too much metadata."""
        if self._budget:
            self._budget.spend(customers)


@asynccontextmanager
async def reading_customers(info: Info, *, waits: bool = True) -> AsyncIterator[CustomersReading]:
    """While the context is open, a list of customers is read and counted; then the definitions are
    loaded that their metadata need.

    It waits until few other lists of the operation are read, unless these are read together.
    Raises PageTooLarge if the operation has read too much metadata.
    """
    if not selects_field(info, *METADATA_FIELDS):
        yield CustomersReading(None)
        return
    budget = info.context.metadata_budget
    async with budget.reading_page() if waits else nullcontext():
        yield CustomersReading(budget)
    if selects_field(info, "metadata"):
        await info.context.load_definitions()


async def load_customer(info: Info, id_: str) -> Customer | None:
    """Returns the customer of a row of a list, None once it has been deleted. It is read together
    with those of the other rows. Raises PageTooLarge."""
    async with reading_customers(info, waits=False) as reading:
        stored_customer = await info.context.loaders.customers(reading.with_metadata).load(id_)
        if stored_customer is None:
            return None
        reading.count([stored_customer])
    return Customer.from_domain(stored_customer)
