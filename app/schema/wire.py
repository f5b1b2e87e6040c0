"""Inputs of the API as plain JSON, in the shape and with the names that the caller used."""

from datetime import date, datetime
from enum import Enum
from typing import Any

from strawberry import UNSET, Some
from strawberry.types.base import StrawberryMaybe, get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from app.schema.scalars import instant_text


def wire(value: Any) -> Any:
    """What was sent, with what was left out left out."""
    if isinstance(value, Some):
        return wire(value.value)
    definition = get_object_definition(value)
    if definition is not None:
        sent = ((field, getattr(value, field.python_name)) for field in definition.fields)
        return {_name(field): wire(inner) for field, inner in sent if not _left_out(field, inner)}
    if isinstance(value, list):
        return [wire(element) for element in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else value


def _name(field: StrawberryField) -> str:
    return field.graphql_name or to_camel_case(field.python_name)


def _left_out(field: StrawberryField, value: Any) -> bool:
    return value is UNSET or (value is None and isinstance(field.type, StrawberryMaybe))
