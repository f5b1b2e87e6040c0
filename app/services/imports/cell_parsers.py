"""What a cell of a CSV file stands for: everything in it is text."""

import re
from collections.abc import Callable
from typing import Any

import orjson

from app.domain.metadata import KeyDefinition
from app.filters.fields import AttributeType

_INTEGER = re.compile(r"-?[0-9]{1,19}")
# Without a definition only what is the same number, written back: 00001, +48 and 1e5 are text,
# and so is what a double can't hold exactly, like the number of a card.
_NUMBER = re.compile(r"-?(?=[0-9.]{1,16}$)(?:0|[1-9][0-9]{0,14})(?:\.[0-9]+)?")
_TEXT_TYPES = (AttributeType.STRING, AttributeType.DATE, AttributeType.DATETIME)


def parse_text(cell: str) -> str:
    return cell


def parse_integer(cell: str) -> int | str:
    """What is no whole number stays text, which its input then refuses."""
    return int(cell) if _INTEGER.fullmatch(cell) else cell


def parser_for(definition: KeyDefinition | None) -> Callable[[str], Any]:
    """How to read the cells of a metadata key."""
    if definition is None or not definition.effective_definition:
        return parse_untyped
    if definition.type in _TEXT_TYPES and not definition.is_array:
        return parse_text
    return _parse_boolean if definition.type is AttributeType.BOOLEAN else _parse_json


def parse_untyped(cell: str) -> Any:
    """A number, true, false, a list or an object, where the cell is written as JSON writes it."""
    match cell[0]:
        case "[" | "{":
            return _parse_json(cell)
        case "t" | "f":
            return {"true": True, "false": False}.get(cell, cell)
    return orjson.loads(cell) if _NUMBER.fullmatch(cell) else cell


def _parse_boolean(cell: str) -> Any:
    return _parse_json(cell.lower())


def _parse_json(cell: str) -> Any:
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell
