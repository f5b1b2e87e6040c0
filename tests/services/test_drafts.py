"""One transaction over customers, when another is faster."""

from datetime import UTC, datetime

import pytest

from app.domain.inputs import CustomerRef
from app.services.drafts import Drafts
from app.store import Transaction
from tests.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_whoever_comes_second_is_run_again_and_sees_the_first(api: Api) -> None:
    ref = CustomerRef.by_source_id("contested")
    found: list[int] = []

    async def work(transaction: Transaction) -> None:
        drafts = await Drafts.load(api.services.store, [ref], transaction)
        draft = drafts.of(ref)
        found.append(draft.version - 1)
        if len(found) == 1:
            await api.upsert("contested", email="first@example.com")
        draft.merge({"name": "second"})
        drafts.keep(draft)
        await drafts.save(api.services.store, datetime(2026, 1, 1, tzinfo=UTC), transaction)

    await api.services.store.transaction(work)

    assert found == [0, 1]
    stored = api.stored("contested")
    assert (stored["email"], stored["name"]) == ("first@example.com", "second")
    assert stored["version"] == 2
