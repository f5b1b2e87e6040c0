"""Any public id can be resolved by its kind."""

import pytest

from app.domain.ids import EntityKind
from tests.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("kind", EntityKind)
async def test_an_unknown_id_of_each_kind_resolves_to_nothing(api: Api, kind: EntityKind) -> None:
    assert await api.services.get_by_id(f"{kind.value}_{'0' * 24}") is None


async def test_a_malformed_id_resolves_to_nothing(api: Api) -> None:
    assert await api.services.get_by_id("cus_1") is None


async def test_an_id_resolves_to_its_kind_and_entity(api: Api) -> None:
    now = api.services.now().at
    customer = await api.services.customers.upsert({"sourceId": "resolved"}, now)
    assert await api.services.get_by_id(customer.id) == (EntityKind.CUSTOMER, customer)
