"""GraphQL documents and helpers of the tests of segments."""

from typing import Any

from tests.api import Api, Json

ERRORS = "userErrors { code path message }"
CREATE = (
    "mutation($in: SegmentCreateInput!) { segmentCreate(input: $in)"
    f" {{ segment {{ id }} {ERRORS} }} }}"
)
UPDATE = (
    "mutation($id: ID!, $in: SegmentUpdateInput!) { segmentUpdate(id: $id, input: $in)"
    f" {{ segment {{ id name memberCount }} {ERRORS} }} }}"
)
DELETE = f"mutation($id: ID!) {{ segmentDelete(id: $id) {{ deletedId {ERRORS} }} }}"
MEMBERS = (
    "query($id: ID!, $first: Int, $after: String) { segment(id: $id) { memberCount"
    " members(first: $first, after: $after) { totalCount nodes { sourceId }"
    " pageInfo { hasNextPage endCursor } } } }"
)
MEMBERSHIP_QUERY = (
    "query($who: CustomerRef!, $ids: [ID!], $over: JSON) { segmentMembership("
    "customer: $who, segmentIds: $ids, overrides: $over) { isMember } }"
)
ALL_CUSTOMERS_FILTER: Json = {"attribute": {"path": "sourceId", "operator": "HAS_VALUE"}}


def attribute_filter(path: str, operator: str, value: Any = None) -> Json:
    return {"attribute": {"path": path, "operator": operator, "value": value}}


async def create_segment(api: Api, name: str, **definition: Any) -> str:
    payload = await api.fetch(CREATE, **{"in": {"name": name, "definition": definition}})
    assert not payload["userErrors"], payload
    return str(payload["segment"]["id"])


async def list_members(api: Api, id_: str, first: int = 1_000) -> list[str]:
    """The sourceIds of all the members, page by page."""
    source_ids: list[str] = []
    after = None
    while True:
        segment = await api.fetch(MEMBERS, id=id_, first=first, after=after)
        page = segment["members"]
        source_ids += [node["sourceId"] for node in page["nodes"]]
        assert segment["memberCount"] == page["totalCount"]
        if not page["pageInfo"]["hasNextPage"]:
            assert len(source_ids) == page["totalCount"]
            return source_ids
        after = page["pageInfo"]["endCursor"]


async def fetch_memberships(
    api: Api, customer_ref: Json, ids: list[str] | None = None, overrides: Any = None
) -> Any:
    return [
        membership["isMember"]
        for membership in await api.fetch(
            MEMBERSHIP_QUERY, who=customer_ref, ids=ids, over=overrides
        )
    ]


async def create_ten_customers(api: Api) -> list[str]:
    """Creates the customers c0 to c9, the first five of them VIPs. Returns their ids."""
    return [await api.upsert(f"c{n}", metadata={"vip": n < 5, "n": n}) for n in range(10)]
