"""Parsers of CSV cells: text to JSON values. Each raises ValueError for a cell it can't read."""

import csv
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson

from app.filters.fields import AttributeType
from app.services.imports.amounts import NumberReader
from app.services.imports.dates import DateReader
from app.services.imports.options import ColumnType

CellParser = Callable[[str], Any]

_INTEGER = re.compile(r"-?[0-9]{1,19}")
# 15 digits: a longer one, like the number of a card, would lose digits where numbers are doubles.
_SHORTEST_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{0,15}[1-9])?")
_BOOLEANS = {"true": True, "false": False}
_BOOLEAN_WORDS = {**_BOOLEANS, "yes": True, "no": False, "1": True, "0": False}


def parse_text(cell: str) -> str:
    return cell


def parse_integer(cell: str) -> int:
    if not _INTEGER.fullmatch(cell.strip()):
        raise ValueError("must be a whole number")
    return int(cell)


def is_shortest_number(cell: str) -> bool:
    """Whether the cell is a JSON number in its shortest form: not 007, 5.10 or 1e3."""
    if not _SHORTEST_NUMBER.fullmatch(cell) or cell == "-0":
        return False
    return "." not in cell or repr(float(cell)) == cell


def is_boolean(cell: str) -> bool:
    """Whether the cell is true or false, whatever its case."""
    return cell.strip().lower() in _BOOLEANS


def parse_untyped(cell: str) -> Any:
    """Returns the value that the cell alone suggests, as if it were the whole column."""
    if is_shortest_number(cell):
        return orjson.loads(cell)
    return _BOOLEANS.get(cell, cell)


def parser_for(type_: ColumnType, numbers: NumberReader, dates: DateReader) -> CellParser:
    """Returns the parser for the cells of a metadata key or property."""
    parsers: dict[AttributeType, CellParser] = {
        AttributeType.STRING: parse_text,
        AttributeType.NUMBER: numbers.to_json_number,
        AttributeType.BOOLEAN: _parse_boolean,
        AttributeType.DATE: dates.to_day,
        AttributeType.DATETIME: dates.to_metadata_instant,
        AttributeType.GEOPOINT: _parse_json_object,
        AttributeType.OBJECT: _parse_json_object,
    }
    parse = parsers[type_.type]
    return partial(_parse_list, parse_element=parse) if type_.is_array else parse


def _parse_boolean(cell: str) -> bool:
    try:
        return _BOOLEAN_WORDS[cell.strip().casefold()]
    except KeyError:
        raise ValueError("must be true or false, or yes or no") from None


def _parse_json_object(cell: str) -> Any:
    try:
        value = orjson.loads(cell)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise ValueError('must be a JSON object, like {"lat": 52.2, "lon": 21.0}')
    return value


def _parse_list(cell: str, parse_element: CellParser) -> list[Any]:
    """Reads a JSON list, or texts with commas between."""
    if cell.lstrip().startswith("["):
        try:
            value = orjson.loads(cell)
        except orjson.JSONDecodeError:
            raise ValueError("must be a JSON list, or texts with commas between") from None
        if isinstance(value, list):
            return value
    try:
        elements = next(csv.reader([cell], skipinitialspace=True, strict=True))
    except (csv.Error, StopIteration):
        raise ValueError("must be a JSON list, or texts with commas between") from None
    return [parse_element(element.strip()) for element in elements if element.strip()]
