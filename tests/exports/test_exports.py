"""Exports through the API: what they contain, their errors, and their list."""

from tests.exports.export_shop import ExportShop

_VIPS = {"attribute": {"path": "metadata.vip", "operator": "IS", "value": True}}


async def test_rows_are_the_members_in_the_order_of_their_ids(shop: ExportShop) -> None:
    for number in range(25):
        await shop.api.upsert(
            f"c{number}", name=f"Name {number}", metadata={"vip": number % 2 == 0}
        )
    segment_id = await shop.create_segment("VIPs", _VIPS)

    rows = await shop.export(segment_id, fields=["name", "sourceId"])

    members = shop.api.database.customers.find({"metadata.vip": True}).sort("_id", 1)
    expected = [[member["name"], member["sourceId"]] for member in members]
    assert len(expected) == 13
    assert rows == [["name", "sourceId"], *expected]
