"""What can be done with customers: say something of them, find them, delete them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from app.domain.customers import Customer, Draft, changes, search_key
from app.domain.inputs import CustomerInput, CustomerRef, read
from app.domain.metadata import Metadata
from app.errors import Code, Problem, Refused, refuse
from app.filters import Now
from app.services.definitions import DefinitionsReader
from app.services.drafts import Drafts
from app.services.population import Population, Selection
from app.services.rows import BulkResult, Rows, Wire
from app.store import Store, Transaction
from app.store.customers import starts_with
from app.store.members import FENCE


class Customers:
    """The verbs of customers."""

    def __init__(
        self, store: Store, definitions: DefinitionsReader, population: Population
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._population = population

    async def get(self, ref: CustomerRef) -> Customer | None:
        return await self._store.customers.get(ref)

    async def named(self, ids: Iterable[str]) -> dict[str, Customer]:
        """Those of the customers that are there."""
        refs = [CustomerRef.by_id(id_) for id_ in ids]
        return {customer.id: customer for customer in await self._store.customers.find(refs)}

    async def upsert(self, wire: Wire, now: datetime) -> Customer:
        """Creates the customer, or changes the fields given."""
        row = read(CustomerInput, wire, "input")
        refused = await self._upsert({0: row}, now)
        if refused:
            raise Refused(problem.under("input") for problem in refused[0])
        found = await self._store.customers.get(CustomerRef.by_source_id(row.source_id))
        if found is None:
            raise refuse(Code.NOT_FOUND, "The customer was deleted meanwhile.", "input")
        return found

    async def upsert_many(self, wires: Sequence[Wire], now: datetime) -> BulkResult:
        """The same for each row, in their order; those about one customer make one state."""
        return await self.take(Rows.read(CustomerInput, wires), now)

    async def take(self, rows: Rows[CustomerInput], now: datetime) -> BulkResult:
        """The same of rows that are read already."""
        return rows.result(await self._upsert(rows.good, now))

    async def _upsert(
        self, rows: dict[int, CustomerInput], now: datetime
    ) -> dict[int, list[Problem]]:
        async def work(transaction: Transaction) -> dict[int, list[Problem]]:
            metadata = (await self._definitions.in_snapshot(transaction)).metadata
            refs = {index: CustomerRef.by_source_id(row.source_id) for index, row in rows.items()}
            drafts = await Drafts.load(self._store, refs.values(), transaction)
            refused = {}
            for index, row in rows.items():
                draft = drafts.of(refs[index])
                if problems := _apply(row, draft, metadata):
                    refused[index] = problems
                else:
                    drafts.keep(draft)
            await drafts.save(self._store, now, transaction)
            return refused

        if not rows:
            return {}
        keys = {row.source_id for row in rows.values()}
        return await self._store.transaction(work, keys=keys)

    async def delete(self, ref: CustomerRef) -> str:
        """Deletes the customer, and returns the id. The sweeper removes the customer's rows later;
        from this transaction on no reader counts them."""

        async def work(transaction: Transaction) -> str:
            found = await self._store.customers.find([ref], transaction)
            if not found:
                raise refuse(Code.NOT_FOUND, "There is no such customer.", "customer")
            (customer,) = found
            # A static segment that is being made must not take in whom it can't see going.
            await self._store.fence(FENCE, transaction)
            await self._store.customer_tombstones.add(customer.id, transaction)
            await self._store.customers.delete(customer.id, transaction)
            return customer.id

        return await self._store.transaction(work)

    async def selection(
        self, search: str | None, wire: Wire | None, now: Now, *path: str
    ) -> Selection:
        """Those whom the search and the filter find."""
        searched = starts_with(search_key(search)) if search else None
        tree = None if wire is None else await self._definitions.parse(wire, *path)
        return self._population.select(tree, now, searched)


def _apply(row: CustomerInput, draft: Draft, metadata: Metadata) -> list[Problem]:
    """Lays a row over the draft; where it is refused the draft stays as it was."""
    sent = changes(row)
    problems: list[Problem] = []
    if row.metadata is not None:
        sent["metadata"], problems = metadata.take(row.metadata, "metadata")
    before = dict(draft.document)
    draft.merge(sent)
    problems += metadata.missing(draft.document["metadata"], "metadata")
    if oversize := draft.oversize():
        problems.append(oversize)
    if problems:
        draft.document = before
    return problems
