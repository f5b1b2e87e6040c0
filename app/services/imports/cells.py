"""What a cell of a CSV file stands for: everything in it is text."""

import re
from collections.abc import Callable
from typing import Any

import orjson

from app.domain.metadata import Definition
from app.filters.fields import AttributeType

_WHOLE = re.compile(r"-?[0-9]{1,19}")
# Without a definition only what is the same number, written back: 00001, +48 and 1e5 are text,
# and so is what a double can't hold exactly, like the number of a card.
_NUMBER = re.compile(r"-?(?=[0-9.]{1,16}$)(?:0|[1-9][0-9]{0,14})(?:\.[0-9]+)?")
_AS_TEXT = (AttributeType.STRING, AttributeType.DATE, AttributeType.DATETIME)


def text(cell: str) -> str:
    return cell


def whole_number(cell: str) -> int | str:
    """What is no whole number stays text, which its input then refuses."""
    return int(cell) if _WHOLE.fullmatch(cell) else cell


def by(definition: Definition | None) -> Callable[[str], Any]:
    """How to read the cells of a metadata key."""
    if definition is None or not definition.in_force:
        return guessed
    if definition.type in _AS_TEXT and not definition.is_array:
        return text
    return _boolean if definition.type is AttributeType.BOOLEAN else _json


def guessed(cell: str) -> Any:
    """A number, true, false, a list or an object, where the cell is written as JSON writes it."""
    match cell[0]:
        case "[" | "{":
            return _json(cell)
        case "t" | "f":
            return {"true": True, "false": False}.get(cell, cell)
    return orjson.loads(cell) if _NUMBER.fullmatch(cell) else cell


def _boolean(cell: str) -> Any:
    return _json(cell.lower())


def _json(cell: str) -> Any:
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell
