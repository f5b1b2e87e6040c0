"""The paths that a column of a file may have: the fields of the API's inputs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from enum import Enum
from functools import cached_property
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from app.domain.inputs import CustomerInput, EventInput, Input, OrderInput
from app.filters.fields import is_property_key

INPUT_MODELS: dict[str, type[Input]] = {
    "customers": CustomerInput,
    "events": EventInput,
    "orders": OrderInput,
}
ITEMS = "items"
CUSTOMER_EMAIL_PATH = ("customer", "email")
ITEM_PRICE_PATH = (ITEMS, "price")
"""The price of one piece. The file has it instead of the amount of the line."""


class FieldKind(Enum):
    """What the cells of a column are read as."""

    TEXT = "text"
    INTEGER = "integer"
    AMOUNT = "amount"
    PRICE = "price"
    DATE = "date"
    INSTANT = "instant"
    STATUS = "status"
    OPEN = "open"
    """A key of metadata or properties, whose type the column decides."""


_KINDS_BY_TYPE = {
    str: FieldKind.TEXT,
    int: FieldKind.INTEGER,
    date: FieldKind.DATE,
    datetime: FieldKind.INSTANT,
}
_KINDS_BY_NAME = {"amount": FieldKind.AMOUNT, "status": FieldKind.STATUS}


@dataclass(frozen=True)
class InputFields:
    """The paths of one kind of rows, a key of INPUT_MODELS."""

    row_type: str

    @property
    def model(self) -> type[Input]:
        """The input of the API."""
        return INPUT_MODELS[self.row_type]

    @cached_property
    def kinds(self) -> dict[tuple[str, ...], FieldKind]:
        """The kind of each path. OPEN stands for an object that may have any key."""
        kinds = dict(_model_paths(self.model, ()))
        if ("customer", "sourceId") in kinds:
            kinds[CUSTOMER_EMAIL_PATH] = FieldKind.TEXT
        if (ITEMS, "amount") in kinds:
            kinds[ITEM_PRICE_PATH] = FieldKind.PRICE
        return kinds

    @property
    def open_key(self) -> str:
        """The field that takes keys without a definition: metadata or properties."""
        return next(
            path[0]
            for path, kind in self.kinds.items()
            if kind is FieldKind.OPEN and len(path) == 1
        )

    def find_kind(self, path: tuple[str, ...]) -> FieldKind | None:
        """Returns the kind of a path; None if no column may have it."""
        kind = self.kinds.get(path)
        if kind is not None:
            return None if kind is FieldKind.OPEN else kind
        is_open = any(
            self.kinds.get(path[:length]) is FieldKind.OPEN for length in range(1, len(path))
        )
        return FieldKind.OPEN if is_open and all(map(is_property_key, path)) else None

    def describe(self) -> str:
        """Lists all paths."""
        return ", ".join(
            ".".join((*path, "KEY") if kind is FieldKind.OPEN else path)
            for path, kind in self.kinds.items()
        )

    def suggest(self, name: str) -> str | None:
        """Returns the path that a misspelt name is likely to mean."""
        if not name.replace(".", "").isalnum():
            return None
        names = [".".join(path) for path, kind in self.kinds.items() if kind is not FieldKind.OPEN]
        return next(iter(get_close_matches(name, names, 1)), None)


def _model_paths(
    model: type[Input], parent: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], FieldKind]]:
    for python_name, hint in get_type_hints(model).items():
        if python_name not in model.model_fields:
            continue
        name = str(model.model_fields[python_name].alias)
        path = (*parent, name)
        field_type = _required_type(hint)
        if get_origin(field_type) is dict:
            yield path, FieldKind.OPEN
        elif get_origin(field_type) is list:
            yield from _model_paths(get_args(field_type)[0], path)
        elif issubclass(field_type, Input):
            yield from _model_paths(field_type, path)
        else:
            yield path, _KINDS_BY_NAME.get(name) or _KINDS_BY_TYPE[field_type]


def _required_type(hint: Any) -> Any:
    """Returns the type without None."""
    if isinstance(hint, UnionType) or NoneType in get_args(hint):
        return next(type_ for type_ in get_args(hint) if type_ is not NoneType)
    return hint
