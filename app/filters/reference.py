"""The reference of the filter language, written from the tables themselves."""

import inspect
import json
from collections.abc import Iterable, Sequence

from app.filters.aggregates import AGGREGATES
from app.filters.fields import FIELDS, AttributeType
from app.filters.operators import OPERATORS, Example, Operator

_INTRODUCTION = """\
# Filters: fields, operators, aggregates

Written by `segments sdl` from the code; do not edit.

A filter is a tree of `all`, `any` and `none` over conditions. A value is missing when the key is
absent, is null, or is an empty array. An operator that negates another holds for a missing value;
the others fail on it, unless they say otherwise. On an array an operator holds if at least one
element meets it, unless it fits arrays alone. The examples are asked on 2026-03-29 at 12:00 UTC,
and each of them is a test."""


def reference() -> str:
    """All that a filter may ask, as Markdown."""
    sections = [_INTRODUCTION, _fields_section(), _aggregates_section(), "## Operators"]
    return "\n\n".join([*sections, *map(_operator_section, OPERATORS)]) + "\n"


def _fields_section() -> str:
    table_rows: list[Sequence[str]] = [
        (inline_code(field.path), field.label, field.type.value if field.type else "any")
        for field in FIELDS
    ]
    table_rows += [
        ("`events.NAME.count`", "How many events of the name", "NUMBER"),
        ("`events.NAME.firstAt`", "When the first one was", "DATETIME"),
        ("`events.NAME.lastAt`", "When the last one was", "DATETIME"),
        ("`metadata.KEY`", "The project's own", "as defined, or that of the value"),
        ("`metadata.KEY.KEY`", "Within an object", "that of the value"),
    ]
    return f"## Fields\n\n{markdown_table(('path', 'label', 'type'), table_rows)}"


def _aggregates_section() -> str:
    table_rows = [
        (inline_code(aggregate.name), _description(aggregate)) for aggregate in AGGREGATES
    ]
    return f"## Aggregates\n\n{markdown_table(('function', 'what it comes to'), table_rows)}"


def _operator_section(operator: Operator) -> str:
    types = ", ".join(type_.value for type_ in AttributeType if type_ in operator.types)
    applicable_types = f"arrays of {types}" if operator.is_array_operator else types
    properties = [f"- Fits: {applicable_types}", f"- Takes: {operator.operand_kind.description}"]
    if operator.takes_ignore_case:
        properties.append("- `ignoreCase`: on strings")
    if operator.negates is not None:
        properties.append(f"- Negates: `{operator.negates.name}`")
    headers = ("stored", "of type", "value", "holds")
    examples = markdown_table(headers, map(_example_row, operator.examples))
    return "\n\n".join(
        (f"### {operator.name}", _description(operator), "\n".join(properties), examples)
    )


def _example_row(example: Example) -> Sequence[str]:
    value = "" if example.value is None else _json_code(example.value)
    return (
        "missing" if example.stored is None else _json_code(example.stored),
        example.type.value if example.type else "",
        f"{value} ignoring case" if example.ignore_case else value,
        "yes" if example.holds else "no",
    )


def _description(documented: object) -> str:
    return " ".join((inspect.getdoc(documented) or "").split())


def _json_code(value: object) -> str:
    return inline_code(json.dumps(value, ensure_ascii=False))


def inline_code(text: str) -> str:
    """The text as Markdown's code."""
    return f"`{text}`"


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(map(_escape_cell, line))} |" for line in lines)


def _escape_cell(text: str) -> str:
    return text.replace("|", "\\|")
