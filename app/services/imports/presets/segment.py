"""Segment: the calls of its libraries as NDJSON."""

from collections.abc import Mapping
from typing import Any

from app.errors import UserErrorCode, input_error
from app.services.imports.presets.preset import Preset

SEGMENT = Preset(name="segment", row_types=("customers", "events"), is_ndjson=True)

_ROW_TYPES_BY_CALL = {
    "identify": "customers",
    "track": "events",
    "page": "events",
    "screen": "events",
}
_ADDRESS_FIELDS = {
    "street": "line1",
    "city": "city",
    "state": "state",
    "postalCode": "postalCode",
    "country": "country",
}
_PROFILE_FIELDS = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "description": "description",
    "birthday": "birthdate",
}
_NAME_PARTS = ("firstName", "lastName")


def is_call(row: Mapping[str, Any]) -> bool:
    """Whether the row is a call of Segment, and not an input of the API."""
    return "messageId" in row and row.get("type") in _ROW_TYPES_BY_CALL


def is_of_other_type(row: Mapping[str, Any], row_type: str) -> bool:
    """Whether the row is a call that is imported as rows of another type."""
    return _ROW_TYPES_BY_CALL.get(str(row.get("type")), row_type) != row_type


def to_input_object(call: Mapping[str, Any], row_type: str) -> dict[str, Any]:
    """Returns the input of the API for a call: a customer for identify; an event for track, page
    and screen. Raises INVALID for a call that can't be imported, and for one without a userId."""
    kind = call.get("type")
    if _ROW_TYPES_BY_CALL.get(str(kind)) != row_type:
        message = (
            f"The call is {str(kind)[:50]}; only identify, track, page and screen can be imported."
        )
        raise input_error(UserErrorCode.INVALID, message, "type")
    user_id = call.get("userId")
    if user_id is None or user_id == "":
        raise input_error(
            UserErrorCode.INVALID,
            "userId is missing; a call of an anonymous visitor belongs to no customer.",
            "userId",
        )
    return _to_customer(str(user_id), call) if kind == "identify" else _to_event(str(user_id), call)


def _to_customer(user_id: str, call: Mapping[str, Any]) -> dict[str, Any]:
    traits = call.get("traits")
    rest = dict(traits) if isinstance(traits, dict) else {}
    customer: dict[str, Any] = {"sourceId": user_id}
    for trait, field in _PROFILE_FIELDS.items():
        if trait in rest:
            customer[field] = rest.pop(trait)
    if "name" not in customer and (
        parts := [str(rest[key]) for key in _NAME_PARTS if rest.get(key)]
    ):
        customer["name"] = " ".join(parts)
        for key in _NAME_PARTS:
            rest.pop(key, None)
    if isinstance(rest.get("address"), dict):
        address = rest.pop("address")
        customer["address"] = {
            _ADDRESS_FIELDS.get(key, key): value for key, value in address.items()
        }
    if rest:
        customer["metadata"] = rest
    return customer


def _to_event(user_id: str, call: Mapping[str, Any]) -> dict[str, Any]:
    given = call.get("properties")
    properties = dict(given) if isinstance(given, dict) else {}
    name = call.get("event")
    if call["type"] != "track":
        # The name of a page is a property, so that all pages are one event.
        properties |= {key: call[key] for key in ("name", "category") if call.get(key)}
        name = call["type"]
    event = {
        "customer": {"sourceId": user_id},
        "name": name,
        "at": call.get("timestamp"),
        "properties": properties,
        "idempotencyKey": call.get("messageId"),
    }
    return {key: value for key, value in event.items() if value is not None}
