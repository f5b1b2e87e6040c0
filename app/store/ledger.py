"""The ledger: append-only, one row for all points that are given; and what each customer has."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ReplaceOne

from app.domain.ids import Kind
from app.domain.loyalty import Account, LedgerEntry
from app.store.collections import Database
from app.store.customers import existing
from app.store.ids import key, keys, public
from app.store.timeline import before


class Ledger:
    """The ledger, and the accounts: one document a customer with the balances by program."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._collection = database.ledger
        self._accounts = database.accounts

    async def accounts(
        self, customer_ids: Iterable[str], transaction: AsyncIOMotorClientSession
    ) -> dict[str, Account]:
        """Those of the customers who were ever given points."""
        query = {"_id": {"$in": keys(Kind.CUSTOMER, customer_ids)}}
        rows = await self._accounts.find(query, session=transaction).to_list(None)
        accounts = [_account(row) for row in rows]
        return {account.customer_id: account for account in accounts}

    async def times(
        self,
        rule_ids: Sequence[str],
        customer_ids: Sequence[str],
        transaction: AsyncIOMotorClientSession,
    ) -> dict[tuple[str, str], int]:
        """How often each of the rules has given points to each of the customers."""
        stages: list[dict[str, Any]] = [
            {
                "$match": {
                    "customerId": {"$in": keys(Kind.CUSTOMER, customer_ids)},
                    "ruleId": {"$in": keys(Kind.EARNING_RULE, rule_ids)},
                }
            },
            {"$group": {"_id": {"r": "$ruleId", "c": "$customerId"}, "times": {"$sum": 1}}},
        ]
        return {
            (
                public(Kind.EARNING_RULE, row["_id"]["r"]),
                public(Kind.CUSTOMER, row["_id"]["c"]),
            ): row["times"]
            async for row in self._collection.aggregate(stages, session=transaction)
        }

    async def add(
        self,
        entries: Sequence[LedgerEntry],
        accounts: Sequence[Account],
        transaction: AsyncIOMotorClientSession,
    ) -> None:
        """Writes the entries, and the accounts that they were added to."""
        if not entries:
            return
        await self._collection.insert_many([_document(e) for e in entries], session=transaction)
        rows = [_account_document(account) for account in accounts]
        writes = [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows]
        await self._accounts.bulk_write(writes, ordered=False, session=transaction)

    async def get(self, id_: str) -> LedgerEntry | None:
        """The entry; None where there is none, or its customer is deleted."""
        found = await self._collection.find_one({"_id": key(Kind.LEDGER_ENTRY, id_)})
        if found is None or not await existing(self._database, [found["customerId"]]):
            return None
        return _entry(found)

    async def latest(
        self, customer_id: str, after: tuple[datetime, str] | None, most: int
    ) -> list[LedgerEntry]:
        """A customer's entries, the latest first, from before a place."""
        query = {
            "customerId": key(Kind.CUSTOMER, customer_id),
            **before(after, Kind.LEDGER_ENTRY),
        }
        found = self._collection.find(query).sort([("at", -1), ("_id", -1)]).limit(most)
        return [_entry(row) async for row in found]


def _document(entry: LedgerEntry) -> dict[str, Any]:
    row = {
        "_id": key(Kind.LEDGER_ENTRY, entry.id),
        "customerId": key(Kind.CUSTOMER, entry.customer_id),
        "programId": key(Kind.LOYALTY_PROGRAM, entry.program_id),
        "points": entry.points,
        "balance": entry.balance,
        "at": entry.at,
    }
    if entry.rule_id is not None:
        row["ruleId"] = key(Kind.EARNING_RULE, entry.rule_id)
    if entry.transition_id is not None:
        row["transitionId"] = key(Kind.TRANSITION, entry.transition_id)
    return row


def _entry(row: Mapping[str, Any]) -> LedgerEntry:
    rule, transition = row.get("ruleId"), row.get("transitionId")
    return LedgerEntry(
        id=public(Kind.LEDGER_ENTRY, row["_id"]),
        customer_id=public(Kind.CUSTOMER, row["customerId"]),
        program_id=public(Kind.LOYALTY_PROGRAM, row["programId"]),
        points=row["points"],
        balance=row["balance"],
        at=row["at"],
        rule_id=None if rule is None else public(Kind.EARNING_RULE, rule),
        transition_id=None if transition is None else public(Kind.TRANSITION, transition),
    )


def _account_document(account: Account) -> dict[str, Any]:
    balances = [
        {"programId": key(Kind.LOYALTY_PROGRAM, id_), "balance": balance}
        for id_, balance in account.balances.items()
    ]
    return {
        "_id": key(Kind.CUSTOMER, account.customer_id),
        "balances": balances,
        "at": account.at,
    }


def _account(row: Mapping[str, Any]) -> Account:
    balances = {
        public(Kind.LOYALTY_PROGRAM, each["programId"]): int(each["balance"])
        for each in row["balances"]
    }
    return Account(public(Kind.CUSTOMER, row["_id"]), balances, row["at"])
