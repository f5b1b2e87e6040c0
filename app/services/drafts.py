"""The customers that one transaction works on: loaded, changed row by row, saved as one state."""

from collections.abc import Iterable
from datetime import datetime

from app.domain.customers import Customer, Draft
from app.domain.ids import Kind
from app.domain.inputs import CustomerRef
from app.errors import Code, refuse
from app.store import Store, Transaction
from app.store.ids import new_id


class Drafts:
    """Drafts by reference; a sourceId that is not known makes a new customer."""

    def __init__(self, customers: Iterable[Customer]) -> None:
        self._by_id: dict[str, Draft] = {}
        self._by_source_id: dict[str, Draft] = {}
        self._kept: dict[str, bool] = {}
        for customer in customers:
            self._add(Draft(customer.id, customer.document, customer.source_id))

    @classmethod
    async def load(
        cls, store: Store, refs: Iterable[CustomerRef], transaction: Transaction
    ) -> "Drafts":
        return cls(await store.customers.find(refs, transaction))

    def of(self, ref: CustomerRef) -> Draft:
        """The draft of a customer. Refused where an id is not known."""
        if ref.id is not None:
            draft = self._by_id.get(ref.id)
            if draft is None:
                raise refuse(Code.NOT_FOUND, "No customer has this id.", "customer", "id")
            return draft
        assert ref.source_id is not None
        draft = self._by_source_id.get(ref.source_id)
        return draft or self._add(Draft(new_id(Kind.CUSTOMER), None, ref.source_id))

    def by_id(self, id_: str) -> Draft:
        return self._by_id[id_]

    def _add(self, draft: Draft) -> Draft:
        self._by_id[draft.id] = draft
        self._by_source_id[str(draft.document["sourceId"])] = draft
        return draft

    def keep(self, draft: Draft, *, activity: bool = False) -> None:
        """What was done to the draft stays; with activity its version changes in any case."""
        self._kept[draft.id] = activity or self._kept.get(draft.id, False)

    async def save(self, store: Store, now: datetime, transaction: Transaction) -> None:
        """Writes the drafts that were kept and make a new state."""
        kept = ((self._by_id[id_], activity) for id_, activity in self._kept.items())
        drafts = [draft for draft, activity in kept if activity or draft.changed]
        for draft in drafts:
            draft.touch(now)
        await store.customers.save(drafts, transaction)
