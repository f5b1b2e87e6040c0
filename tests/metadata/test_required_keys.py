"""Required metadata keys."""

import pytest

from tests.metadata.conftest import MetadataShop

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("delete_definitions"),
]

_UPSERT = """mutation($input: CustomerInput!) { customerUpsert(input: $input)
    { customer { id } userErrors { code message path } } }"""


async def test_a_required_key_can_neither_be_left_out_nor_removed(
    shop: MetadataShop, key: str
) -> None:
    there = await shop.create_customer(**{key: 1})
    await shop.set_definition(key, "NUMBER", required=True)
    for sent in (
        {"sourceId": "new"},
        {"sourceId": there, "metadata": {key: None}},
    ):
        refusals = await shop.api.list_errors(_UPSERT, input=sent)
        assert refusals == [f"METADATA_INVALID input metadata {key}"]
    rows = [{"sourceId": f"{key} {i}", "metadata": {key: i} if i else {}} for i in range(3)]
    assert await shop.api.bulk_upsert("customersUpsert", rows) == {
        "accepted": 2,
        "refused": [f"METADATA_INVALID inputs 0 metadata {key}"],
    }


async def test_a_required_key_does_not_block_a_customer_who_lacks_it(
    shop: MetadataShop, key: str
) -> None:
    lacking = await shop.create_customer(other=1)
    await shop.api.bulk_upsert(
        "eventsTrack", [{"customer": {"sourceId": f"{key} by event"}, "name": "seen"}]
    )
    await shop.set_definition(key, "NUMBER", required=True)

    for source_id in (lacking, f"{key} by event"):
        for sent in ({"name": "Changed"}, {"metadata": {"other": 2}}, {"metadata": None}):
            assert await shop.api.list_errors(_UPSERT, input={"sourceId": source_id, **sent}) == []
        for value in (None, "text"):
            invalid = {"sourceId": source_id, "metadata": {key: value}}
            refusals = await shop.api.list_errors(_UPSERT, input=invalid)
            assert refusals == [f"METADATA_INVALID input metadata {key}"]
    assert shop.read_stored_metadata(lacking) == {}
    await shop.api.upsert(lacking, metadata={key: 1})
    refusals = await shop.api.list_errors(_UPSERT, input={"sourceId": lacking, "metadata": None})
    assert refusals == [f"METADATA_INVALID input metadata {key}"]


async def test_an_empty_list_is_no_value_for_a_required_key(shop: MetadataShop, key: str) -> None:
    await shop.set_definition(key, "STRING", isArray=True, required=True)
    sent = {"sourceId": "new", "metadata": {key: []}}
    refusals = await shop.api.list_errors(_UPSERT, input=sent)
    assert refusals == [f"METADATA_INVALID input metadata {key}"]
