"""What one of their operators asks, and the pieces that a filter of ours is put together from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import UserErrorCode, input_error
from app.filters.fields import Field

FilterJson = dict[str, Any]


@dataclass(frozen=True)
class OperatorCall:
    """An operator's values, of a field of ours; `beside` are all operators of that field."""

    field: Field
    arguments: Sequence[Any]
    field_operators: Mapping[str, Any]

    def require_arguments(self) -> Sequence[Any]:
        if not self.arguments:
            message = "The list is empty; give at least one value, or leave the operator out."
            raise input_error(UserErrorCode.INVALID_VALUE, message)
        return self.arguments

    def require_single_argument(self) -> Any:
        if len(self.arguments) != 1:
            raise input_error(
                UserErrorCode.INVALID_VALUE, "The operator takes one value; give just one."
            )
        return self.arguments[0]

    def build_condition(self, operator: str, value: Any = None) -> FilterJson:
        condition = {"path": self.field.path, "operator": operator}
        return {"attribute": condition if value is None else {**condition, "value": value}}


def all_of(parts: Sequence[FilterJson]) -> FilterJson:
    return _join("all", parts)


def any_of(parts: Sequence[FilterJson]) -> FilterJson:
    return _join("any", parts)


def _join(kind: str, parts: Sequence[FilterJson]) -> FilterJson:
    """One group of them all; a single one needs none, and a group of the kind is no part."""
    flattened_parts = [nested_part for part in parts for nested_part in part.get(kind, [part])]
    return flattened_parts[0] if len(flattened_parts) == 1 else {kind: flattened_parts}
