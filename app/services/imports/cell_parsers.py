"""Parsers of CSV cells: text to JSON values."""

import re
from collections.abc import Callable
from typing import Any

import orjson

from app.domain.metadata import KeyDefinition
from app.filters.fields import AttributeType

_INTEGER = re.compile(r"-?[0-9]{1,19}")
# In a key without a definition, a cell is a number only if the number is written back as the same
# text: 00001, +48 and 1e5 stay text, and so does a number with more digits than a double holds,
# like the number of a card.
_NUMBER = re.compile(r"-?(?=[0-9.]{1,16}$)(?:0|[1-9][0-9]{0,14})(?:\.[0-9]+)?")
_TEXT_TYPES = (AttributeType.STRING, AttributeType.DATE, AttributeType.DATETIME)


def parse_text(cell: str) -> str:
    return cell


def parse_integer(cell: str) -> int | str:
    """Returns an integer; any other text unchanged, so that validation rejects it."""
    return int(cell) if _INTEGER.fullmatch(cell) else cell


def parser_for(definition: KeyDefinition | None) -> Callable[[str], Any]:
    """Returns the parser for the cells of a metadata key."""
    if definition is None or not definition.effective_definition:
        return parse_untyped
    if definition.type in _TEXT_TYPES and not definition.is_array:
        return parse_text
    return _parse_boolean if definition.type is AttributeType.BOOLEAN else _parse_json


def parse_untyped(cell: str) -> Any:
    """Returns a number, boolean, list or object if the cell is written like one in JSON, else
    text. The cell must not be empty."""
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
