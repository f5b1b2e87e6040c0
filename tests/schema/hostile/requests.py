"""The documents and values that the hostile cases are made of."""

from typing import Any

from tests.api import Json

Cases = dict[str, tuple[str, Json, str]]
"""What is sent, and each refusal: its code, and its path in the input; "-" leaves that open."""

_ERRORS = "userErrors { code path message }"


def _mutation(field: str, input_: str, selection: str, argument: str = "input") -> str:
    return f"mutation($in: {input_}) {{ {field}({argument}: $in) {{ {selection} {_ERRORS} }} }}"


UPSERT_CUSTOMER = _mutation("customerUpsert", "CustomerInput!", "customer { id }")
UPSERT_CUSTOMERS = _mutation("customersUpsert", "[CustomerInput!]!", "accepted", "inputs")
TRACK_EVENTS = _mutation("eventsTrack", "[EventInput!]!", "accepted", "inputs")
UPSERT_ORDERS = _mutation("ordersUpsert", "[OrderInput!]!", "accepted", "inputs")
CREATE_SEGMENT = _mutation("segmentCreate", "SegmentCreateInput!", "segment { id }")
DELETE_SEGMENT = _mutation("segmentDelete", "ID!", "deletedId", "id")
DELETE_CUSTOMER = _mutation("customerDelete", "CustomerRef!", "deletedId", "customer")
UPDATE_SEGMENT = (
    "mutation($id: ID!, $in: SegmentUpdateInput!)"
    f" {{ segmentUpdate(id: $id, input: $in) {{ segment {{ id }} {_ERRORS} }} }}"
)
QUERY_MEMBERSHIP = (
    "query($ref: CustomerRef!, $ids: [ID!], $over: JSON) { segmentMembership("
    "customer: $ref, segmentIds: $ids, overrides: $over) { isMember } }"
)
LIST_CUSTOMERS = (
    "query($first: Int, $after: String, $search: String, $filter: FilterInput) { customers("
    "first: $first, after: $after, search: $search, filter: $filter) { nodes { id } totalCount } }"
)
FIND_SEGMENTS = (
    "query($after: String, $search: String)"
    " { segments(after: $after, search: $search) { nodes { id } totalCount } }"
)
PREVIEW_SEGMENT = "query($filter: FilterInput!) { segmentPreview(filter: $filter) { memberCount } }"
QUERY_CUSTOMER = "query($ref: CustomerRef!) { customer(ref: $ref) { id } }"
QUERY_SIZES = (
    "query($id: ID!, $from: DateTime, $to: DateTime)"
    " { segment(id: $id) { sizeHistory(from: $from, to: $to) { at memberCount } } }"
)
QUERY_TIMELINE = (
    'query($after: String) { customer(ref: {sourceId: "known"})'
    " { timeline(after: $after) { nodes { __typename } } } }"
)

KNOWN_CUSTOMER = {"sourceId": "known"}
NUL = "\0"
HUGE_LENGTH = 2_000_000
UNKNOWN_CUSTOMER_ID = "cus_" + "0" * 24
UNKNOWN_SEGMENT_ID = "seg_" + "0" * 24


def customer_input(**fields: Any) -> Json:
    return {"in": {"sourceId": "hostile", **fields}}


def event_input(**fields: Any) -> Json:
    return {"in": [{"customer": {"sourceId": "hostile"}, "name": "seen", **fields}]}


def order_input(**fields: Any) -> Json:
    row = {"sourceId": "order", "customer": {"sourceId": "hostile"}, "amount": 1, **fields}
    return {"in": [row]}


def segment_input(filter_: Any) -> Json:
    return {"in": {"name": "hostile", "definition": {"filter": filter_}}}


def segment_named(name: Any) -> Json:
    return {"in": {"name": name, "definition": {"filter": condition()}}}


def condition(path: Any = "email", operator: Any = "HAS_VALUE", **fields: Any) -> Json:
    return {"attribute": {"path": path, "operator": operator, **fields}}


def static_segment_input(*refs: Json) -> Json:
    return {"in": {"name": "hostile", "definition": {"customers": list(refs)}}}


def membership_variables(overrides: Any) -> Json:
    return {"ref": KNOWN_CUSTOMER, "over": overrides}


def nested_object(levels: int, inner: Any = 1) -> Any:
    for _ in range(levels):
        inner = {"a": inner}
    return inner


def nested_groups(levels: int) -> Json:
    filter_ = condition()
    for _ in range(levels):
        filter_ = {"all": [filter_]}
    return filter_


def preview_literal(levels: int) -> str:
    inside = (
        "{all: [" * levels + '{attribute: {path: "email", operator: HAS_VALUE}}' + "]}" * levels
    )
    return f"{{ segmentPreview(filter: {inside}) {{ memberCount }} }}"


def upsert_literal(value: str) -> str:
    return UPSERT_CUSTOMER.replace("($in: CustomerInput!)", "").replace(
        "$in", f'{{sourceId: "hostile", metadata: {value}}}'
    )
