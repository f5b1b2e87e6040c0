"""The value type of a condition: that of its attribute or, without one, of its value."""

from app.filters.fields import TEMPORAL_TYPES, AttributeType, Field, is_number
from app.filters.operators import Operator


def describe_field(field: Field) -> str:
    """The path and type of a field, for error messages."""
    type_ = field.type.value if field.type else "value"
    return f"{field.path!r}, {'an array of' if field.is_array else 'a'} {type_}"


def supports_ignore_case(operator: Operator, type_: AttributeType | None) -> bool:
    """Whether a condition with this operator and type may have `ignoreCase`."""
    return operator.takes_ignore_case and type_ in (None, AttributeType.STRING)


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
