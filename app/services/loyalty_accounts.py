"""A unit of work for loyalty points: accounts loaded, changed and saved in one transaction."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from app.domain.customers import Document
from app.domain.ids import EntityKind
from app.domain.inputs import CustomerRef
from app.domain.loyalty import LedgerEntry, LoyaltyAccount
from app.services.unit_of_work import CustomerUnitOfWork
from app.store import Store, Transaction
from app.store.ids import new_id


class LoyaltyAccounts:
    """The loyalty accounts of the customers of one transaction. All code that changes points uses
    this class, which keeps the ledger, the balances and the customers' documents consistent."""

    def __init__(
        self, unit_of_work: CustomerUnitOfWork, accounts: dict[str, LoyaltyAccount], now: datetime
    ) -> None:
        self._unit_of_work = unit_of_work
        self._accounts = accounts
        self._now = now
        self._entries: list[LedgerEntry] = []
        # By customer id, the instant of the entries of this transaction.
        self._granted_at: dict[str, datetime] = {}

    @classmethod
    async def load(
        cls, store: Store, customer_ids: Iterable[str], now: datetime, transaction: Transaction
    ) -> "LoyaltyAccounts":
        """Loads the accounts of the customers that exist."""
        refs = [CustomerRef.by_id(id_) for id_ in dict.fromkeys(customer_ids)]
        customers = await store.customers.find(refs, transaction)
        ids = [customer.id for customer in customers]
        stored_accounts = await store.ledger.read_accounts(ids, transaction)
        accounts = {id_: stored_accounts.get(id_) or LoyaltyAccount(id_) for id_ in ids}
        return cls(CustomerUnitOfWork(customers), accounts, now)

    def get_document(self, customer_id: str) -> Document | None:
        """Returns the current document of the customer; None if the customer is deleted."""
        return (
            self._unit_of_work.get(customer_id).document if customer_id in self._accounts else None
        )

    def grant(
        self,
        customer_id: str,
        program_id: str,
        points: int,
        *,
        rule_id: str | None = None,
        transition_id: str | None = None,
    ) -> bool:
        """Adds points to an account with one ledger entry. Returns False, and adds nothing, if
        there are no points to add or the balance is at its maximum."""
        added = self._accounts[customer_id].add_points(program_id, points)
        if added < 1:
            return False
        self._add_entry(
            customer_id, program_id, added, rule_id=rule_id, transition_id=transition_id
        )
        return True

    def adjust(
        self,
        customer_id: str,
        program_id: str,
        points: int,
        *,
        reason: str,
        idempotency_key: str | None,
    ) -> None:
        """Adds points to an account, or takes them if they are negative, with one ledger entry.
        Raises ValueError, and changes nothing, if the balance does not allow it."""
        self._accounts[customer_id].adjust_points(program_id, points)
        self._add_entry(
            customer_id, program_id, points, reason=reason, idempotency_key=idempotency_key
        )

    def _add_entry(
        self, customer_id: str, program_id: str, points: int, **origin: str | None
    ) -> None:
        account = self._accounts[customer_id]
        if customer_id not in self._granted_at:
            self._granted_at[customer_id] = account.advance_last_entry_at(self._now)
        entry = LedgerEntry(
            id="",
            customer_id=customer_id,
            program_id=program_id,
            points=points,
            balance=account.balances[program_id],
            at=self._granted_at[customer_id],
            **origin,
        )
        self._entries.append(entry)

    async def save(self, store: Store, transaction: Transaction) -> list[LedgerEntry]:
        """Writes the entries, the balances and the customers' documents. Returns the entries."""
        # Entries of one instant are ordered by their ids.
        ids = sorted(new_id(EntityKind.LEDGER_ENTRY) for _ in self._entries)
        entries = [replace(entry, id=id_) for id_, entry in zip(ids, self._entries, strict=True)]
        changed = [self._accounts[id_] for id_ in self._granted_at]
        await store.ledger.add(entries, changed, transaction)
        for account in changed:
            customer = self._unit_of_work.get(account.customer_id)
            loyalty = customer.document.get("loyalty") or {}
            customer.document["loyalty"] = {**loyalty, "points": account.total_points}
            self._unit_of_work.register_dirty(customer, force_version=True)
        await self._unit_of_work.save(store, self._now, transaction)
        return entries
