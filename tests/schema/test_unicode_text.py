"""Text that comes in is stored and compared in NFC, and source ids are trimmed."""

from typing import Any
from unicodedata import normalize

import pytest

from tests.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMPOSED = "Zoë Ångström"
DECOMPOSED = normalize("NFD", COMPOSED)
BLANKS = ("", " ", "\t\n", "\u00a0\u2003")


def customer_ref(source_id: str) -> Json:
    return {"customer": {"sourceId": source_id}}


async def test_text_is_stored_in_nfc(api: Api) -> None:
    assert COMPOSED != DECOMPOSED
    await api.upsert(
        DECOMPOSED,
        name=DECOMPOSED,
        address={"city": DECOMPOSED},
        metadata={DECOMPOSED: [DECOMPOSED, {DECOMPOSED: DECOMPOSED}]},
    )
    stored = api.read_customer_document(COMPOSED)
    assert (stored["name"], stored["address"]) == (COMPOSED, {"city": COMPOSED})
    assert stored["metadata"] == {COMPOSED: [COMPOSED, {COMPOSED: COMPOSED}]}
    event = {**customer_ref(DECOMPOSED), "name": DECOMPOSED, "properties": {"a": DECOMPOSED}}
    keyed_event = {**event, "idempotencyKey": DECOMPOSED}
    for row in (keyed_event, {**keyed_event, "idempotencyKey": COMPOSED}):
        assert (await api.bulk_upsert("eventsTrack", [row]))["accepted"] == 1
    (stored_event,) = api.database.events.find({"customerId": stored["_id"]})
    assert (stored_event["name"], stored_event["properties"]) == (COMPOSED, {"a": COMPOSED})
    for source_id in (DECOMPOSED, COMPOSED):
        order = {**customer_ref(source_id), "sourceId": source_id, "amount": 1}
        assert (await api.bulk_upsert("ordersUpsert", [order]))["accepted"] == 1
    assert api.database.orders.count_documents({"sourceId": COMPOSED}) == 1
    assert api.database.customers.count_documents({}) == 1


@pytest.mark.parametrize("text", [COMPOSED, DECOMPOSED])
async def test_a_filter_compares_in_nfc(api: Api, text: str) -> None:
    await api.upsert("compared", name=DECOMPOSED, metadata={DECOMPOSED: DECOMPOSED})
    for path in ("name", f"metadata.{text}"):
        condition = {"path": path, "operator": "IS", "value": text}
        preview = await api.fetch(
            "query($f: FilterInput!) { segmentPreview(filter: $f) { memberCount } }",
            f={"attribute": condition},
        )
        assert preview["memberCount"] >= 1, path
    name = f"{len(text)} {text}"
    payload = await api.fetch(
        "mutation($in: SegmentCreateInput!) { segmentCreate(input: $in)"
        " { segment { name filter } userErrors { message } } }",
        **{"in": {"name": name, "definition": {"filter": {"attribute": condition}}}},
    )
    assert payload["segment"]["name"] == normalize("NFC", name)
    assert payload["segment"]["filter"]["attribute"]["path"] == f"metadata.{COMPOSED}"
    assert payload["segment"]["filter"]["attribute"]["value"] == COMPOSED
    segments = await api.fetch(
        "query($s: String) { segments(search: $s) { totalCount } }", s=DECOMPOSED
    )
    assert segments["totalCount"] >= 1


async def test_overrides_compare_in_nfc(api: Api) -> None:
    payload = await api.fetch(
        "mutation($in: SegmentCreateInput!) { segmentCreate(input: $in) { segment { id } } }",
        **{
            "in": {
                "name": "override",
                "definition": {
                    "filter": {
                        "attribute": {"path": "metadata.a", "operator": "IS", "value": COMPOSED}
                    }
                },
            }
        },
    )
    (membership,) = await api.fetch(
        'query($ids: [ID!], $o: JSON) { segmentMembership(customer: {sourceId: "nobody"},'
        " segmentIds: $ids, overrides: $o) { isMember } }",
        ids=[payload["segment"]["id"]],
        o={"metadata": {"a": DECOMPOSED}},
    )
    assert membership["isMember"]


async def test_a_source_id_is_trimmed(api: Api) -> None:
    id_ = await api.upsert("  trimmed\u00a0")
    assert await api.upsert("trimmed") == id_
    assert api.read_customer_document("trimmed")["sourceId"] == "trimmed"
    assert await api.fetch_customer("\ttrimmed ") == {"id": id_}
    event = {**customer_ref(" trimmed "), "name": "trimmed"}
    assert (await api.bulk_upsert("eventsTrack", [event]))["accepted"] == 1
    for source_id in (" order 1", "order 1 "):
        order = {**customer_ref(" trimmed"), "sourceId": source_id, "amount": 1}
        assert (await api.bulk_upsert("ordersUpsert", [order]))["accepted"] == 1
    assert api.database.orders.count_documents({"sourceId": "order 1"}) == 1


@pytest.mark.parametrize("blank", BLANKS)
async def test_a_source_id_of_blanks_is_refused(api: Api, blank: str) -> None:
    before = api.dump()
    cases: dict[str, tuple[Json, str]] = {
        "customersUpsert": ({"sourceId": blank}, "sourceId"),
        "eventsTrack": ({**customer_ref(blank), "name": "seen"}, "customer sourceId"),
        "ordersUpsert": ({**customer_ref("a"), "sourceId": blank, "amount": 1}, "sourceId"),
    }
    for mutation, (row, path) in cases.items():
        answer: Any = await api.bulk_upsert(mutation, [row])
        assert answer == {"accepted": 0, "refused": [f"INVALID inputs 0 {path}"]}, mutation
    order = {**customer_ref(blank), "sourceId": "o", "amount": 1}
    answer = await api.bulk_upsert("ordersUpsert", [order])
    assert answer["refused"] == ["INVALID inputs 0 customer sourceId"]
    assert api.dump() == before
