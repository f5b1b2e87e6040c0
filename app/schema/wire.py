"""Inputs of the API as plain JSON, in the shape and with the names that the caller used."""

from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from strawberry import UNSET, Some
from strawberry.types.base import StrawberryMaybe, has_object_definition
from strawberry.utils.str_converters import to_camel_case

from app.schema.scalars import instant_text


def wire(value: Any) -> Any:
    """What was sent, with what was left out left out."""
    if isinstance(value, Some):
        return wire(value.value)
    kind: Any = type(value)
    if has_object_definition(kind):
        sent = ((field, getattr(value, field.attribute)) for field in _fields(kind))
        return {field.name: wire(inner) for field, inner in sent if not field.left_out(inner)}
    if isinstance(value, list):
        return [wire(element) for element in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else value


class _Field(NamedTuple):
    attribute: str
    name: str
    may_be_absent: bool

    def left_out(self, value: Any) -> bool:
        return value is UNSET or (value is None and self.may_be_absent)


@cache
def _fields(type_: Any) -> list[_Field]:
    return [
        _Field(
            field.python_name,
            field.graphql_name or to_camel_case(field.python_name),
            isinstance(field.type, StrawberryMaybe),
        )
        for field in type_.__strawberry_definition__.fields
    ]
