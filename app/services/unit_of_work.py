"""A unit of work for customers: loaded, changed and saved in one transaction."""

from collections.abc import Iterable
from datetime import datetime

from app.domain.customers import Customer, TrackedCustomer
from app.domain.ids import EntityKind
from app.domain.inputs import CustomerRef
from app.errors import UserErrorCode, input_error
from app.store import Store, Transaction
from app.store.ids import new_id


class CustomerUnitOfWork:
    """The customers of one transaction, by id and by sourceId. Each registered customer is saved as
    one new version (the pattern is Fowler's Unit of Work)."""

    def __init__(self, customers: Iterable[Customer]) -> None:
        self._by_id: dict[str, TrackedCustomer] = {}
        self._by_source_id: dict[str, TrackedCustomer] = {}
        self._dirty: dict[str, bool] = {}
        for customer in customers:
            self._add(TrackedCustomer(customer.id, customer.document, customer.source_id))

    @classmethod
    async def load(
        cls, store: Store, refs: Iterable[CustomerRef], transaction: Transaction
    ) -> "CustomerUnitOfWork":
        return cls(await store.customers.find(refs, transaction))

    def get_or_create(self, ref: CustomerRef) -> TrackedCustomer:
        """Returns the referenced customer. Creates one for an unknown sourceId; raises
        NOT_FOUND for an unknown id."""
        if ref.id is not None:
            customer = self._by_id.get(ref.id)
            if customer is None:
                raise input_error(
                    UserErrorCode.NOT_FOUND, "No customer has this id.", "customer", "id"
                )
            return customer
        assert ref.source_id is not None
        customer = self._by_source_id.get(ref.source_id)
        return customer or self._add(
            TrackedCustomer(new_id(EntityKind.CUSTOMER), None, ref.source_id)
        )

    def get(self, id_: str) -> TrackedCustomer:
        return self._by_id[id_]

    def _add(self, customer: TrackedCustomer) -> TrackedCustomer:
        self._by_id[customer.id] = customer
        self._by_source_id[str(customer.document["sourceId"])] = customer
        return customer

    def register_dirty(self, customer: TrackedCustomer, *, force_version: bool = False) -> None:
        """Marks the customer to be saved if it has changed. With `force_version` it is saved, as a
        new version, even if its document has not changed: its events or orders have."""
        self._dirty[customer.id] = force_version or self._dirty.get(customer.id, False)

    async def save(self, store: Store, now: datetime, transaction: Transaction) -> None:
        """Saves the registered customers that have changed or force a new version."""
        dirty = ((self._by_id[id_], force_version) for id_, force_version in self._dirty.items())
        customers = [
            customer for customer, force_version in dirty if force_version or customer.is_changed
        ]
        for customer in customers:
            customer.touch(now)
        await store.customers.save(customers, transaction)
