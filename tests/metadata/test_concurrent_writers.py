"""Writers during the definition of a metadata key can't store a value that does not fit."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from app.errors import InputError
from app.services import Services
from tests.engine.conftest import wait_until
from tests.metadata.conftest import MetadataShop

pytestmark = pytest.mark.asyncio(loop_scope="module")


class PausedMethod:
    """Pauses the calls of one method until a test resumes them."""

    def __init__(self, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_reached, self.may_continue = asyncio.Event(), asyncio.Event()
        self._method = getattr(owner, name)
        monkeypatch.setattr(owner, name, self._call)

    async def _call(self, *arguments: Any, **options: Any) -> Any:
        self.is_reached.set()
        await self.may_continue.wait()
        return await self._method(*arguments, **options)


def upsert_by_writer(shop: MetadataShop, value: Any, key: str) -> Callable[[Services], Any]:
    row = {"sourceId": f"writer of {key}", "metadata": {key: value}}
    return lambda services: services.customers.upsert(row, shop.api.services.now().at)


async def test_a_transaction_that_begins_after_the_definition_obeys_it(
    shop: MetadataShop, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Services(shop.api.services.store, shop.api.settings)
    await other.definitions.latest()
    held = PausedMethod(other.store, "transaction", monkeypatch)
    writer = asyncio.create_task(upsert_by_writer(shop, "abc", key)(other))
    await held.is_reached.wait()
    monkeypatch.undo()

    assert (await shop.define_and_convert(key, "NUMBER"))["state"] == "READY"
    held.may_continue.set()

    with pytest.raises(InputError, match="must be a number"):
        await writer


async def test_a_transaction_that_is_open_is_waited_for_and_what_it_wrote_is_checked(
    shop: MetadataShop, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = shop.api.services.store
    held = PausedMethod(store.customers, "save", monkeypatch)
    writer = asyncio.create_task(upsert_by_writer(shop, "abc", key)(shop.api.services))
    await held.is_reached.wait()
    monkeypatch.undo()
    await shop.set_definition(key, "NUMBER")
    listings = record_calls(store.open_transactions, "list_keys", monkeypatch)

    job = asyncio.create_task(shop.convert(key))
    await wait_until(lambda: has_calls(listings, 3))
    assert (await shop.fetch_definition(key))["state"] == "CHECKING"
    held.may_continue.set()
    await writer

    refused = await job
    assert refused["state"] == "REFUSED"
    assert refused["problem"].startswith('1 value does not fit, "abc"')


async def test_what_an_open_transaction_writes_as_before_is_converted(
    shop: MetadataShop, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction began while the key was CHECKING, when the program still stores dates as
    text."""
    store = shop.api.services.store
    await shop.set_definition(key, "DATE")
    held = PausedMethod(store.customers, "save", monkeypatch)
    writer = asyncio.create_task(upsert_by_writer(shop, "2026-03-29", key)(shop.api.services))
    await held.is_reached.wait()
    monkeypatch.undo()
    listings = record_calls(store.open_transactions, "list_keys", monkeypatch, first_result=set())

    # At first the job sees no transaction, as if it had begun after the job looked.
    job = asyncio.create_task(shop.convert(key))
    await wait_until(lambda: has_calls(listings, 4))
    assert (await shop.fetch_definition(key))["state"] == "CONVERTING"
    held.may_continue.set()
    await writer

    assert (await job)["state"] == "READY"
    moments = {f"metadata.{key}": {"$type": "date"}}
    assert shop.api.database.customers.count_documents(moments) == 1


async def test_the_open_transactions_are_those_that_have_read_or_written(
    shop: MetadataShop,
) -> None:
    store = shop.api.services.store
    before = await store.open_transactions.list_keys()

    async def work(transaction: Any) -> Any:
        unused = await store.open_transactions.list_keys()
        await store.read_revision("definitions", transaction)
        return unused, await store.open_transactions.list_keys()

    unused, used = await store.transaction(work)
    assert (len(unused - before), len(used - before)) == (0, 1)
    assert not (used - before) & await store.open_transactions.list_keys()


def record_calls(
    owner: Any, name: str, monkeypatch: pytest.MonkeyPatch, first_result: Any = None
) -> list[Any]:
    """Records each call of the method in a list; the first call may return another result."""
    calls: list[Any] = []
    method = getattr(owner, name)

    async def call(*arguments: Any) -> Any:
        calls.append(arguments)
        if first_result is not None and len(calls) == 1:
            return first_result
        return await method(*arguments)

    monkeypatch.setattr(owner, name, call)
    return calls


async def has_calls(calls: list[Any], number: int) -> bool:
    return len(calls) >= number
