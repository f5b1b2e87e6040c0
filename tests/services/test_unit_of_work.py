"""A transaction over customers, when another one commits first."""

from datetime import UTC, datetime

import pytest

from app.domain.inputs import CustomerRef
from app.services.unit_of_work import CustomerUnitOfWork
from app.store import Transaction
from tests.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_second_transaction_runs_again_and_sees_the_first(api: Api) -> None:
    ref = CustomerRef.by_source_id("contested")
    found: list[int] = []

    async def work(transaction: Transaction) -> None:
        drafts = await CustomerUnitOfWork.load(api.services.store, [ref], transaction)
        draft = drafts.get_or_create(ref)
        found.append(draft.next_version - 1)
        if len(found) == 1:
            await api.upsert("contested", email="first@example.com")
        draft.merge({"name": "second"})
        drafts.register_dirty(draft)
        await drafts.save(api.services.store, datetime(2026, 1, 1, tzinfo=UTC), transaction)

    await api.services.store.transaction(work)

    assert found == [0, 1]
    stored = api.read_customer_document("contested")
    assert (stored["email"], stored["name"]) == ("first@example.com", "second")
    assert stored["version"] == 2
