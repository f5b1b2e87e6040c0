"""Customers written while a key is being defined: no value slips in that does not fit."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from app.errors import Refused
from app.services import Services
from tests.engine.conftest import until
from tests.metadata.conftest import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Held:
    """Holds up the calls of one method until it is let go."""

    def __init__(self, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.go = asyncio.Event(), asyncio.Event()
        self._method = getattr(owner, name)
        monkeypatch.setattr(owner, name, self._call)

    async def _call(self, *arguments: Any, **options: Any) -> Any:
        self.reached.set()
        await self.go.wait()
        return await self._method(*arguments, **options)


def _writer(shop: Shop, value: Any, key: str) -> Callable[[Services], Any]:
    row = {"sourceId": f"writer of {key}", "metadata": {key: value}}
    return lambda services: services.customers.upsert(row, shop.api.services.now().at)


async def test_a_transaction_that_begins_after_the_definition_goes_by_it(
    shop: Shop, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Services(shop.api.services.store, shop.api.settings)
    await other.definitions.now()
    held = Held(other.store, "transaction", monkeypatch)
    writer = asyncio.create_task(_writer(shop, "abc", key)(other))
    await held.reached.wait()
    monkeypatch.undo()

    assert (await shop.define(key, "NUMBER"))["state"] == "READY"
    held.go.set()

    with pytest.raises(Refused, match="must be a number"):
        await writer


async def test_a_transaction_that_is_open_is_waited_for_and_what_it_wrote_is_checked(
    shop: Shop, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = shop.api.services.store
    held = Held(store.customers, "save", monkeypatch)
    writer = asyncio.create_task(_writer(shop, "abc", key)(shop.api.services))
    await held.reached.wait()
    monkeypatch.undo()
    await shop.set(key, "NUMBER")
    listings = _counted(store.open_transactions, "keys", monkeypatch)

    job = asyncio.create_task(shop.settle(key))
    await until(lambda: _reaches(listings, 3))
    assert (await shop.definition(key))["state"] == "CHECKING"
    held.go.set()
    await writer

    refused = await job
    assert refused["state"] == "REFUSED"
    assert refused["problem"].startswith('1 value does not fit, "abc"')


async def test_what_an_open_transaction_writes_as_before_is_converted(
    shop: Shop, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began while the key was CHECKING, when dates are still stored as text."""
    store = shop.api.services.store
    await shop.set(key, "DATE")
    held = Held(store.customers, "save", monkeypatch)
    writer = asyncio.create_task(_writer(shop, "2026-03-29", key)(shop.api.services))
    await held.reached.wait()
    monkeypatch.undo()
    listings = _counted(store.open_transactions, "keys", monkeypatch, first=set())

    # At first it sees none, as if the transaction had begun after the job had looked.
    job = asyncio.create_task(shop.settle(key))
    await until(lambda: _reaches(listings, 4))
    assert (await shop.definition(key))["state"] == "CONVERTING"
    held.go.set()
    await writer

    assert (await job)["state"] == "READY"
    moments = {f"metadata.{key}": {"$type": "date"}}
    assert shop.api.database.customers.count_documents(moments) == 1


async def test_the_open_transactions_are_those_that_have_read_or_written(shop: Shop) -> None:
    store = shop.api.services.store
    before = await store.open_transactions.keys()

    async def work(transaction: Any) -> Any:
        unused = await store.open_transactions.keys()
        await store.revision("definitions", transaction)
        return unused, await store.open_transactions.keys()

    unused, used = await store.transaction(work)
    assert (len(unused - before), len(used - before)) == (0, 1)
    assert not (used - before) & await store.open_transactions.keys()


def _counted(
    owner: Any, name: str, monkeypatch: pytest.MonkeyPatch, first: Any = None
) -> list[Any]:
    """Gets an entry for each call of the method from now on; the first may answer otherwise."""
    calls: list[Any] = []
    method = getattr(owner, name)

    async def call(*arguments: Any) -> Any:
        calls.append(arguments)
        if first is not None and len(calls) == 1:
            return first
        return await method(*arguments)

    monkeypatch.setattr(owner, name, call)
    return calls


async def _reaches(calls: list[Any], number: int) -> bool:
    return len(calls) >= number
