"""Customers change while they are exported: no member is missed or exported twice."""

import asyncio
import random
from typing import Any

import pytest

from app.services.exports import member_reader
from tests.api import Json
from tests.exports.export_shop import ExportShop

_CUSTOMERS = 4_000
_CHANGES_PER_ROUND = 300
# Small windows and batches have many ends, where a customer could be lost.
_CUSTOMERS_PER_WINDOW = 700

_BY_ATTRIBUTE: Json = {"attribute": {"path": "metadata.vip", "operator": "IS", "value": True}}
_BY_EVENTS: Json = {"event": {"name": "buy", "value": 2}}
_BY_EVENTS_WITH_PROPERTIES: Json = {
    "event": {
        "name": "buy",
        "value": 2,
        "where": [{"path": "kind", "operator": "IS", "value": "book"}],
    }
}


class ChangingCustomers:
    """Changes random customers, and remembers which of them have been members."""

    def __init__(self, shop: ExportShop, seed: int) -> None:
        self._rng = random.Random(seed)
        self._database = shop.api.database
        self.keys = shop.insert_customers(_CUSTOMERS)
        members = {key for key in self.keys if self._rng.random() < 0.5}
        self._at = shop.api.services.now().at
        summary = {"count": 2, "firstAt": self._at, "lastAt": self._at}
        self._member_fields = {"metadata.vip": True, "events.buy": summary}
        self._database.customers.update_many(
            {"_id": {"$in": [*members]}}, {"$set": self._member_fields}
        )
        self._database.events.insert_many(self._event(key) for key in members for _ in range(2))
        self.now_members = set(members)
        self.always_members = set(members)
        self.ever_members = set(members)
        self.deleted: set[Any] = set()

    def _event(self, key: Any) -> Json:
        return {
            "customerId": key,
            "name": "buy",
            "at": self._at,
            "properties": {"kind": "book"},
            "sinceVersion": 1,
        }

    def change(self) -> None:
        """Lets some customers enter, leave and be deleted; each change is one transaction."""
        client = self._database.client
        for key in self._rng.sample(self.keys, _CHANGES_PER_ROUND):
            if key in self.deleted:
                continue
            with client.start_session() as session, session.start_transaction():
                self._change(key, session)

    def _change(self, key: Any, session: Any) -> None:
        customers, events = self._database.customers, self._database.events
        if self._rng.random() < 0.1:
            customers.delete_one({"_id": key}, session=session)
            self.deleted.add(key)
            self.always_members.discard(key)
        elif key in self.now_members:
            fields = dict.fromkeys(self._member_fields, 1)
            customers.update_one({"_id": key}, {"$unset": fields}, session=session)
            events.delete_many({"customerId": key}, session=session)
            self.now_members.discard(key)
            self.always_members.discard(key)
        else:
            customers.update_one({"_id": key}, {"$set": self._member_fields}, session=session)
            events.insert_many([self._event(key) for _ in range(2)], session=session)
            self.now_members.add(key)
            self.ever_members.add(key)


@pytest.mark.parametrize(
    "filter_", [_BY_ATTRIBUTE, _BY_EVENTS, _BY_EVENTS_WITH_PROPERTIES], ids=["a", "e", "p"]
)
async def test_members_throughout_are_exported_once(
    shop: ExportShop, monkeypatch: pytest.MonkeyPatch, filter_: Json
) -> None:
    monkeypatch.setattr(member_reader, "_CUSTOMERS_PER_WINDOW", _CUSTOMERS_PER_WINDOW)
    customers = await asyncio.to_thread(ChangingCustomers, shop, 15)
    segment_id = await shop.create_segment("changing", filter_)
    id_ = await shop.start(segment_id, fields=["id"])

    rounds = 0
    while (await shop.fetch(id_))["finishedAt"] is None:
        change = asyncio.create_task(asyncio.to_thread(customers.change))
        await shop.write_batch()
        await change
        rounds += 1

    _, *rows = shop.read_rows(id_)
    exported = [row[0].removeprefix("cus_") for row in rows]
    assert exported == sorted(set(exported))
    always, ever = (
        {str(key) for key in keys} for keys in (customers.always_members, customers.ever_members)
    )
    assert always - set(exported) == set(), "members throughout are missing"
    assert set(exported) - ever == set(), "customers who never were members"
    assert rounds > 5
    assert len(ever) > len(always) > 1_000


async def test_customers_created_later_are_left_out(shop: ExportShop) -> None:
    keys = shop.insert_customers(1_500)
    id_ = await shop.begin(await shop.create_segment("everyone"), fields=["id"])

    await shop.api.upsert("late")
    await shop.write_pending()

    assert [row[0] for row in shop.read_rows(id_)[1:]] == [f"cus_{key}" for key in keys]
