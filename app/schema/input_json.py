"""Input objects as plain JSON, with the shape and the names that the client sent."""

from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from strawberry import UNSET, Some
from strawberry.types.base import StrawberryMaybe, has_object_definition
from strawberry.utils.str_converters import to_camel_case

from app.schema.scalars import format_instant
from app.unicode_text import json_to_nfc


def input_to_json(value: Any) -> Any:
    """Converts an input object to JSON, with all texts in NFC. Fields that the client left out stay
    out."""
    if isinstance(value, Some):
        return input_to_json(value.value)
    type_: Any = type(value)
    if has_object_definition(type_):
        field_values = (
            (field, getattr(value, field.python_name)) for field in _input_fields(type_)
        )
        return {
            field.graphql_name: input_to_json(field_value)
            for field, field_value in field_values
            if not field.is_omitted(field_value)
        }
    if isinstance(value, list):
        return [input_to_json(element) for element in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return format_instant(value)
    return value.isoformat() if isinstance(value, date) else json_to_nfc(value)


class _InputField(NamedTuple):
    python_name: str
    graphql_name: str
    may_be_absent: bool

    def is_omitted(self, value: Any) -> bool:
        return value is UNSET or (value is None and self.may_be_absent)


@cache
def _input_fields(type_: Any) -> list[_InputField]:
    return [
        _InputField(
            field.python_name,
            field.graphql_name or to_camel_case(field.python_name),
            isinstance(field.type, StrawberryMaybe),
        )
        for field in type_.__strawberry_definition__.fields
    ]
