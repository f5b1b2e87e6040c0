"""What one of their operators asks, and the pieces that a filter of ours is put together from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import Code, refuse
from app.filters.fields import Field

Wire = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """An operator's values, of a field of ours; `beside` are all operators of that field."""

    field: Field
    values: Sequence[Any]
    beside: Mapping[str, Any]

    def some(self) -> Sequence[Any]:
        if not self.values:
            message = "The list is empty; give at least one value, or leave the operator out."
            raise refuse(Code.INVALID_VALUE, message)
        return self.values

    def only(self) -> Any:
        if len(self.values) != 1:
            raise refuse(Code.INVALID_VALUE, "The operator takes one value; give just one.")
        return self.values[0]

    def condition(self, operator: str, value: Any = None) -> Wire:
        wire = {"path": self.field.path, "operator": operator}
        return {"attribute": wire if value is None else {**wire, "value": value}}


def every(parts: Sequence[Wire]) -> Wire:
    return _group("all", parts)


def either(parts: Sequence[Wire]) -> Wire:
    return _group("any", parts)


def _group(kind: str, parts: Sequence[Wire]) -> Wire:
    """One group of them all; a single one needs none, and a group of the kind is no part."""
    spliced = [inner for part in parts for inner in part.get(kind, [part])]
    return spliced[0] if len(spliced) == 1 else {kind: spliced}
