"""The append-only ledger of loyalty points, and each customer's balances."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ReplaceOne

from app.domain.ids import EntityKind
from app.domain.loyalty import LedgerEntry, LoyaltyAccount
from app.store.collections import Database
from app.store.customers import existing_keys
from app.store.ids import to_object_id, to_object_ids, to_public_id
from app.store.timeline import older_than, read_latest_of_customers


class Ledger:
    """The ledger collection, and loyaltyAccounts: per customer, the balances by program."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._collection = database.ledger
        self._accounts = database.loyaltyAccounts

    async def read_accounts(
        self, customer_ids: Iterable[str], transaction: AsyncIOMotorClientSession
    ) -> dict[str, LoyaltyAccount]:
        """Returns, by customer id, the accounts that exist: of customers with a ledger entry."""
        query = {"_id": {"$in": to_object_ids(EntityKind.CUSTOMER, customer_ids)}}
        rows = await self._accounts.find(query, session=transaction).to_list(None)
        accounts = [_account(row) for row in rows]
        return {account.customer_id: account for account in accounts}

    async def award_counts(
        self,
        rule_ids: Sequence[str],
        customer_ids: Sequence[str],
        transaction: AsyncIOMotorClientSession,
    ) -> dict[tuple[str, str], int]:
        """By rule and customer, how often the rule has awarded points."""
        stages: list[dict[str, Any]] = [
            {
                "$match": {
                    "customerId": {"$in": to_object_ids(EntityKind.CUSTOMER, customer_ids)},
                    "ruleId": {"$in": to_object_ids(EntityKind.EARNING_RULE, rule_ids)},
                }
            },
            {
                "$group": {
                    "_id": {"ruleId": "$ruleId", "customerId": "$customerId"},
                    "count": {"$sum": 1},
                }
            },
        ]
        return {
            (
                to_public_id(EntityKind.EARNING_RULE, row["_id"]["ruleId"]),
                to_public_id(EntityKind.CUSTOMER, row["_id"]["customerId"]),
            ): row["count"]
            async for row in self._collection.aggregate(stages, session=transaction)
        }

    async def add(
        self,
        entries: Sequence[LedgerEntry],
        accounts: Sequence[LoyaltyAccount],
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Adds the entries and saves the accounts that they changed."""
        if not entries:
            return
        await self._collection.insert_many(
            [_document(entry) for entry in entries], session=transaction
        )
        rows = [_account_document(account) for account in accounts]
        writes = [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows]
        await self._accounts.bulk_write(writes, ordered=False, session=transaction)

    async def find_by_idempotency_key(
        self, key: str, transaction: AsyncIOMotorClientSession
    ) -> LedgerEntry | None:
        """Returns the adjustment with the key; None if there is none.

        Removes the key from the entry of a deleted customer, which the sweeper has not deleted yet.
        """
        row = await self._collection.find_one({"idempotencyKey": key}, session=transaction)
        if row is None:
            return None
        if not await existing_keys(self._database, [row["customerId"]], transaction):
            await self._collection.update_one(
                {"_id": row["_id"]}, {"$unset": {"idempotencyKey": ""}}, session=transaction
            )
            return None
        return _entry(row)

    async def get(self, id_: str) -> LedgerEntry | None:
        """Returns the entry; None if it or its customer does not exist."""
        row = await self._collection.find_one({"_id": to_object_id(EntityKind.LEDGER_ENTRY, id_)})
        if row is None or not await existing_keys(self._database, [row["customerId"]]):
            return None
        return _entry(row)

    async def latest(
        self, customer_ids: Iterable[str], after: tuple[datetime, str] | None, limit: int
    ) -> dict[str, list[LedgerEntry]]:
        """By customer, at most `limit` entries, newest first, older than the cursor `after`."""
        query = older_than(after, EntityKind.LEDGER_ENTRY)
        rows = await read_latest_of_customers(self._collection, customer_ids, limit, query)
        return {id_: list(map(_entry, documents)) for id_, documents in rows.items()}


def _document(entry: LedgerEntry) -> dict[str, Any]:
    row: dict[str, Any] = {
        "_id": to_object_id(EntityKind.LEDGER_ENTRY, entry.id),
        "customerId": to_object_id(EntityKind.CUSTOMER, entry.customer_id),
        "programId": to_object_id(EntityKind.LOYALTY_PROGRAM, entry.program_id),
        "points": entry.points,
        "balance": entry.balance,
        "at": entry.at,
    }
    if entry.rule_id is not None:
        row["ruleId"] = to_object_id(EntityKind.EARNING_RULE, entry.rule_id)
    if entry.transition_id is not None:
        row["transitionId"] = to_object_id(EntityKind.TRANSITION, entry.transition_id)
    if entry.reason is not None:
        row["reason"] = entry.reason
    if entry.idempotency_key is not None:
        row["idempotencyKey"] = entry.idempotency_key
    if entry.tier_id is not None:
        row["tierId"] = to_object_id(EntityKind.REFERRAL_TIER, entry.tier_id)
    return row


def _entry(row: Mapping[str, Any]) -> LedgerEntry:
    rule, transition, tier = row.get("ruleId"), row.get("transitionId"), row.get("tierId")
    return LedgerEntry(
        id=to_public_id(EntityKind.LEDGER_ENTRY, row["_id"]),
        customer_id=to_public_id(EntityKind.CUSTOMER, row["customerId"]),
        program_id=to_public_id(EntityKind.LOYALTY_PROGRAM, row["programId"]),
        points=row["points"],
        balance=row["balance"],
        at=row["at"],
        rule_id=None if rule is None else to_public_id(EntityKind.EARNING_RULE, rule),
        transition_id=None
        if transition is None
        else to_public_id(EntityKind.TRANSITION, transition),
        reason=row.get("reason"),
        idempotency_key=row.get("idempotencyKey"),
        tier_id=None if tier is None else to_public_id(EntityKind.REFERRAL_TIER, tier),
    )


def _account_document(account: LoyaltyAccount) -> dict[str, Any]:
    balances = [
        {"programId": to_object_id(EntityKind.LOYALTY_PROGRAM, id_), "balance": balance}
        for id_, balance in account.balances.items()
    ]
    return {
        "_id": to_object_id(EntityKind.CUSTOMER, account.customer_id),
        "balances": balances,
        "lastEntryAt": account.last_entry_at,
    }


def _account(row: Mapping[str, Any]) -> LoyaltyAccount:
    balances = {
        to_public_id(EntityKind.LOYALTY_PROGRAM, entry["programId"]): int(entry["balance"])
        for entry in row["balances"]
    }
    return LoyaltyAccount(
        to_public_id(EntityKind.CUSTOMER, row["_id"]), balances, row["lastEntryAt"]
    )
