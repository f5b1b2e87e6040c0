"""The customers that one transaction works on: loaded, changed row by row, saved as one state."""

from collections.abc import Iterable
from datetime import datetime

from app.domain.customers import Customer, TrackedCustomer
from app.domain.ids import EntityKind
from app.domain.inputs import CustomerRef
from app.errors import UserErrorCode, input_error
from app.store import Store, Transaction
from app.store.ids import new_id


class CustomerUnitOfWork:
    """Drafts by reference; a sourceId that is not known makes a new customer."""

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
        """The draft of a customer. Refused where an id is not known."""
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
        """What was done to the draft stays; with activity its version changes in any case."""
        self._dirty[customer.id] = force_version or self._dirty.get(customer.id, False)

    async def save(self, store: Store, now: datetime, transaction: Transaction) -> None:
        """Writes the drafts that were kept and make a new state."""
        dirty = ((self._by_id[id_], force_version) for id_, force_version in self._dirty.items())
        customers = [
            customer for customer, force_version in dirty if force_version or customer.is_changed
        ]
        for customer in customers:
            customer.touch(now)
        await store.customers.save(customers, transaction)
