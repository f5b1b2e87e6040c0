"""The documents and values that the hostile cases are made of."""

from typing import Any

from tests.api import Json

Cases = dict[str, tuple[str, Json, str]]
"""What is sent, and each refusal: its code, and its path in the input; "-" leaves that open."""

_ERRORS = "userErrors { code path message }"


def _mutation(field: str, input_: str, answer: str, argument: str = "input") -> str:
    return f"mutation($in: {input_}) {{ {field}({argument}: $in) {{ {answer} {_ERRORS} }} }}"


UPSERT = _mutation("customerUpsert", "CustomerInput!", "customer { id }")
UPSERTS = _mutation("customersUpsert", "[CustomerInput!]!", "accepted", "inputs")
TRACK = _mutation("eventsTrack", "[EventInput!]!", "accepted", "inputs")
ORDERS = _mutation("ordersUpsert", "[OrderInput!]!", "accepted", "inputs")
CREATE = _mutation("segmentCreate", "SegmentCreateInput!", "segment { id }")
DELETE = _mutation("segmentDelete", "ID!", "deletedId", "id")
GONE = _mutation("customerDelete", "CustomerRef!", "deletedId", "customer")
UPDATE = (
    "mutation($id: ID!, $in: SegmentUpdateInput!)"
    f" {{ segmentUpdate(id: $id, input: $in) {{ segment {{ id }} {_ERRORS} }} }}"
)
ASK = (
    "query($ref: CustomerRef!, $ids: [ID!], $over: JSON) { segmentMembership("
    "customer: $ref, segmentIds: $ids, overrides: $over) { isMember } }"
)
LIST = (
    "query($first: Int, $after: String, $search: String, $filter: FilterInput) { customers("
    "first: $first, after: $after, search: $search, filter: $filter) { nodes { id } totalCount } }"
)
FIND = (
    "query($after: String, $search: String)"
    " { segments(after: $after, search: $search) { nodes { id } totalCount } }"
)
PREVIEW = "query($filter: FilterInput!) { segmentPreview(filter: $filter) { memberCount } }"
ONE = "query($ref: CustomerRef!) { customer(ref: $ref) { id } }"
SIZES = (
    "query($id: ID!, $from: DateTime, $to: DateTime)"
    " { segment(id: $id) { sizeHistory(from: $from, to: $to) { at memberCount } } }"
)
TIMELINE = (
    'query($after: String) { customer(ref: {sourceId: "known"})'
    " { timeline(after: $after) { nodes { __typename } } } }"
)

KNOWN = {"sourceId": "known"}
NUL = "\0"
MANY = 2_000_000
NOBODY = "cus_" + "0" * 24
NOTHING = "seg_" + "0" * 24


def customer(**fields: Any) -> Json:
    return {"in": {"sourceId": "hostile", **fields}}


def event(**fields: Any) -> Json:
    return {"in": [{"customer": {"sourceId": "hostile"}, "name": "seen", **fields}]}


def order(**fields: Any) -> Json:
    row = {"sourceId": "order", "customer": {"sourceId": "hostile"}, "amount": 1, **fields}
    return {"in": [row]}


def segment(filter_: Any) -> Json:
    return {"in": {"name": "hostile", "definition": {"filter": filter_}}}


def named(name: Any) -> Json:
    return {"in": {"name": name, "definition": {"filter": condition()}}}


def condition(path: Any = "email", operator: Any = "HAS_VALUE", **fields: Any) -> Json:
    return {"attribute": {"path": path, "operator": operator, **fields}}


def listed(*refs: Json) -> Json:
    return {"in": {"name": "hostile", "definition": {"customers": list(refs)}}}


def asked(over: Any) -> Json:
    return {"ref": KNOWN, "over": over}


def nested(levels: int, inner: Any = 1) -> Any:
    for _ in range(levels):
        inner = {"a": inner}
    return inner


def groups(levels: int) -> Json:
    filter_ = condition()
    for _ in range(levels):
        filter_ = {"all": [filter_]}
    return filter_


def literal(levels: int) -> str:
    inside = (
        "{all: [" * levels + '{attribute: {path: "email", operator: HAS_VALUE}}' + "]}" * levels
    )
    return f"{{ segmentPreview(filter: {inside}) {{ memberCount }} }}"


def upsert_literal(value: str) -> str:
    return UPSERT.replace("($in: CustomerInput!)", "").replace(
        "$in", f'{{sourceId: "hostile", metadata: {value}}}'
    )
