"""The value type of a condition: that of its attribute or, without one, of its value."""

from app.filters.calendar import parse_date_or_datetime
from app.filters.catalog import Catalog
from app.filters.fields import TEMPORAL_TYPES, AttributeType, Field, is_number
from app.filters.operators import Operator


def describe_field(field: Field) -> str:
    """The path and type of a field, for error messages."""
    type_ = field.type.value if field.type else "value"
    return f"{field.path!r}, {'an array of' if field.is_array else 'a'} {type_}"


def supports_ignore_case(operator: Operator, type_: AttributeType | None) -> bool:
    """Whether a condition with this operator and type may have `ignoreCase`."""
    return operator.takes_ignore_case and type_ in (None, AttributeType.STRING)


def compares_with_date(operator: Operator, value: object) -> bool:
    """Whether a condition on an attribute without a type compares it with dates or with the time of
    evaluation."""
    if operator.types <= TEMPORAL_TYPES:
        return True
    # Operators that also take strings compare a text as it is.
    if AttributeType.STRING in operator.types or AttributeType.NUMBER not in operator.types:
        return False
    return any(map(_is_date_text, value if isinstance(value, list | tuple) else (value,)))


def _is_date_text(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(parse_date_or_datetime(value))
    except ValueError:
        return False


def why_no_dates(field: Field, catalog: Catalog, *, is_property: bool) -> str | None:
    """Why the values of a field without a type can't be compared with dates, and what to do.

    `is_property` tells whether the field is a property of events. Returns None if the values may be
    dates.
    """
    if catalog.pending_date_keys is None:
        return None
    if is_property:
        return (
            "text in the properties of events is text. Use `within` to select events by their time."
        )
    _, key, *inner_keys = field.document_keys
    if inner_keys:
        return (
            "text inside an object is text. Keep the date in a key of its own, and define that key"
            " as DATE or DATETIME first."
        )
    if key in catalog.pending_date_keys:
        return None
    return f"its values are text. Define the key {key!r} as DATE or DATETIME first."


def infer_type(operator: Operator, value: object) -> AttributeType | None:
    """The type for an attribute without one, from the operator and its value.

    None stands for values of several types.
    """
    if operator.types <= TEMPORAL_TYPES:
        return AttributeType.DATETIME
    if len(operator.types) == 1:
        return next(iter(operator.types))
    values = value if isinstance(value, list | tuple) else (value,)
    types = {_infer_scalar_type(element) for element in values}
    type_ = types.pop() if len(types) == 1 else None
    # An operator that takes dates, but no strings, reads a text as a date.
    is_date_operator = (
        AttributeType.STRING not in operator.types and operator.types & TEMPORAL_TYPES
    )
    return AttributeType.DATETIME if type_ is AttributeType.STRING and is_date_operator else type_


def _infer_scalar_type(value: object) -> AttributeType | None:
    if isinstance(value, bool):
        return AttributeType.BOOLEAN
    if isinstance(value, str):
        return AttributeType.STRING
    return AttributeType.NUMBER if is_number(value) else None
