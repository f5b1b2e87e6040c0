"""One use of a Voucherify operator, and functions that build the JSON of a filter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import UserErrorCode, input_error
from app.filters.fields import Field

FilterJson = dict[str, Any]
"""A filter in the shape of the API's FilterInput."""


@dataclass(frozen=True)
class OperatorCall:
    """A Voucherify operator with its arguments, applied to a field of this API.

    `field_operators` are all operators of the same field in the source filter, with their values.
    """

    field: Field
    arguments: Sequence[Any]
    field_operators: Mapping[str, Any]

    def require_arguments(self) -> Sequence[Any]:
        """The arguments. Raises InputError if there is none."""
        if not self.arguments:
            message = "The list is empty; give at least one value, or leave the operator out."
            raise input_error(UserErrorCode.INVALID_VALUE, message)
        return self.arguments

    def require_single_argument(self) -> Any:
        """The only argument. Raises InputError if there is none, or more than one."""
        if len(self.arguments) != 1:
            message = "The operator takes exactly one value; give one."
            raise input_error(UserErrorCode.INVALID_VALUE, message)
        return self.arguments[0]

    def build_condition(self, operator: str, value: Any = None) -> FilterJson:
        """A condition on the field, with an operator of this API."""
        condition = {"path": self.field.path, "operator": operator}
        return {"attribute": condition if value is None else {**condition, "value": value}}


def all_of(parts: Sequence[FilterJson]) -> FilterJson:
    """A filter that matches if all of the parts match. There must be at least one part."""
    return _join("all", parts)


def any_of(parts: Sequence[FilterJson]) -> FilterJson:
    """A filter that matches if one of the parts matches. There must be at least one part."""
    return _join("any", parts)


def _join(kind: str, parts: Sequence[FilterJson]) -> FilterJson:
    """The parts in one group. A single part needs no group; groups of the same kind are merged."""
    flattened_parts = [nested_part for part in parts for nested_part in part.get(kind, [part])]
    return flattened_parts[0] if len(flattened_parts) == 1 else {kind: flattened_parts}
