"""SegmentMembership.explanation: why a customer is a member or not."""

import pytest

from tests.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE = """mutation($in: SegmentCreateInput!) {
  segmentCreate(input: $in) { segment { id } userErrors { message } }
}"""
EXPLANATION_QUERY = """query($ids: [ID!], $overrides: JSON) {
  segmentMembership(customer: {sourceId: "why"}, segmentIds: $ids, overrides: $overrides) {
    isMember explanation
  }
}"""


async def test_each_condition_shows_what_was_required_and_what_there_is(api: Api) -> None:
    customer = {"sourceId": "why", "birthdate": "1990-02-28", "metadata": {"plan": "pro"}}
    await api.bulk_upsert("customersUpsert", [customer])
    order = {"sourceId": "why 1", "customer": {"sourceId": "why"}, "amount": 4900}
    await api.bulk_upsert("ordersUpsert", [order])
    born = {"path": "birthdate", "operator": "BEFORE", "value": "2000-01-01"}
    vip = {"path": "metadata.vip", "operator": "IS", "value": True}
    spent = {
        "name": "order",
        "within": {"last": "P30D"},
        "aggregate": {"function": "SUM", "property": "amount"},
        "value": 10000,
    }
    either = {"any": [{"attribute": vip}, {"event": spent}]}
    definition = {"filter": {"all": [{"attribute": born}, either]}}
    made = await api.fetch(CREATE, **{"in": {"name": "explained", "definition": definition}})
    ids = [made["segment"]["id"]]

    (without,) = await api.fetch(EXPLANATION_QUERY, ids=ids)
    (overlaid,) = await api.fetch(EXPLANATION_QUERY, ids=ids, overrides={"metadata": {"vip": True}})

    vip_wanted = "metadata.vip is true"
    spent_wanted = "the sum of amount over orders within the last 30 days is at least 10000"
    assert without == {
        "isMember": False,
        "explanation": {
            "holds": False,
            "all": [
                {"holds": True, "wanted": "birthdate is before 2000-01-01", "has": "1990-02-28"},
                {
                    "holds": False,
                    "any": [
                        {"holds": False, "wanted": vip_wanted, "has": None},
                        {"holds": False, "wanted": spent_wanted, "has": 4900},
                    ],
                },
            ],
        },
    }
    assert overlaid["isMember"] is True
    assert overlaid["explanation"]["all"][1]["any"][0] == {
        "holds": True,
        "wanted": vip_wanted,
        "has": True,
    }
