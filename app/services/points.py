"""Adjustments of loyalty points by a person or a program."""

from datetime import datetime

from app.domain.customers import Customer
from app.domain.inputs import CustomerRef, PointsAdjustInput, parse_input
from app.domain.loyalty import LedgerEntry
from app.errors import UserErrorCode, input_error
from app.services.bulk_rows import Wire
from app.services.loyalty_accounts import LoyaltyAccounts
from app.store import Store, Transaction


class Points:
    """The operations on points."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def adjust(self, wire: Wire, now: datetime) -> LedgerEntry:
        """Adds or takes points with a ledger entry of their own, and returns the entry. An input
        whose idempotency key is stored already changes nothing and returns the stored entry.

        Raises InputError if the input is invalid, if it would take more points than the balance,
        or if its idempotency key is stored with another input.
        """
        row = parse_input(PointsAdjustInput, wire, "input")
        if row.points == 0:
            message = "Send the points to add, or a negative number of points to take."
            raise input_error(UserErrorCode.INVALID, message, "input", "points")

        async def work(transaction: Transaction) -> LedgerEntry:
            customer = await self._require_customer(row.customer, transaction)
            if row.idempotency_key is not None:
                stored = await self._store.ledger.find_by_idempotency_key(
                    row.idempotency_key, transaction
                )
                if stored is not None:
                    _require_same_input(stored, row, customer.id)
                    return stored
            if await self._store.loyalty_programs.get(row.program_id, transaction) is None:
                message = "There is no such program."
                raise input_error(UserErrorCode.NOT_FOUND, message, "input", "programId")
            accounts = await LoyaltyAccounts.load(self._store, [customer.id], now, transaction)
            try:
                accounts.adjust(
                    customer.id,
                    row.program_id,
                    row.points,
                    reason=row.reason,
                    idempotency_key=row.idempotency_key,
                )
            except ValueError as error:
                raise input_error(UserErrorCode.INVALID, str(error), "input", "points") from None
            (entry,) = await accounts.save(self._store, transaction)
            return entry

        return await self._store.transaction(work, keys=[row.customer.value])

    async def _require_customer(self, ref: CustomerRef, transaction: Transaction) -> Customer:
        customers = await self._store.customers.find([ref], transaction)
        if not customers:
            message = "There is no such customer."
            raise input_error(UserErrorCode.NOT_FOUND, message, "input", "customer")
        return customers[0]


def _require_same_input(stored: LedgerEntry, row: PointsAdjustInput, customer_id: str) -> None:
    """Raises INVALID if the stored entry was made by another input."""
    stored_input = (stored.customer_id, stored.program_id, stored.points, stored.reason)
    if stored_input != (customer_id, row.program_id, row.points, row.reason):
        message = (
            "Another adjustment has this idempotency key; send the same input again, or use another"
            " key."
        )
        raise input_error(UserErrorCode.INVALID, message, "input", "idempotencyKey")
