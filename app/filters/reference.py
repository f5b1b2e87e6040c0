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
    parts = [_INTRODUCTION, _fields(), _aggregates(), "## Operators"]
    return "\n\n".join([*parts, *map(_operator, OPERATORS)]) + "\n"


def _fields() -> str:
    listed: list[Sequence[str]] = [
        (code(field.path), field.label, field.type.value if field.type else "any")
        for field in FIELDS
    ]
    listed += [
        ("`events.NAME.count`", "How many events of the name", "NUMBER"),
        ("`events.NAME.firstAt`", "When the first one was", "DATETIME"),
        ("`events.NAME.lastAt`", "When the last one was", "DATETIME"),
        ("`metadata.KEY`", "The project's own", "as defined, or that of the value"),
        ("`metadata.KEY.KEY`", "Within an object", "that of the value"),
    ]
    return f"## Fields\n\n{table(('path', 'label', 'type'), listed)}"


def _aggregates() -> str:
    listed = [(code(aggregate.name), _description(aggregate)) for aggregate in AGGREGATES]
    return f"## Aggregates\n\n{table(('function', 'what it comes to'), listed)}"


def _operator(operator: Operator) -> str:
    types = ", ".join(type_.value for type_ in AttributeType if type_ in operator.types)
    fits = f"arrays of {types}" if operator.of_arrays else types
    told = [f"- Fits: {fits}", f"- Takes: {operator.takes.words}"]
    if operator.takes_case:
        told.append("- `ignoreCase`: on strings")
    if operator.negates is not None:
        told.append(f"- Negates: `{operator.negates.name}`")
    heads = ("stored", "of type", "value", "holds")
    examples = table(heads, map(_example, operator.examples))
    return "\n\n".join((f"### {operator.name}", _description(operator), "\n".join(told), examples))


def _example(example: Example) -> Sequence[str]:
    value = "" if example.value is None else _json(example.value)
    return (
        "missing" if example.stored is None else _json(example.stored),
        example.type.value if example.type else "",
        f"{value} ignoring case" if example.ignore_case else value,
        "yes" if example.holds else "no",
    )


def _description(said: object) -> str:
    return " ".join((inspect.getdoc(said) or "").split())


def _json(value: object) -> str:
    return code(json.dumps(value, ensure_ascii=False))


def code(text: str) -> str:
    """The text as Markdown's code."""
    return f"`{text}`"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
