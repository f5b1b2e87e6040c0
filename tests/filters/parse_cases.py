"""Conditions for tests of the parser, and the problems that it reports."""

from typing import Any

import pytest

from app.errors import InputError
from app.filters import Catalog, parse
from tests.filters.corpus import CATALOG

Wire = dict[str, Any]
CodesAndPaths = list[tuple[str, tuple[str, ...]]]
PREFIX = ("input", "definition", "filter")
NAME_CONDITION = {"path": "name", "operator": "IS", "value": "Ann"}


def attribute_condition(path: str, operator: str, value: Any = None, **more: Any) -> Wire:
    return {"attribute": {"path": path, "operator": operator, "value": value, **more}}


def event_condition(**parts: Any) -> Wire:
    return {"event": {"name": "purchase", **parts}}


def codes_and_paths(wire: Wire, catalog: Catalog = CATALOG) -> CodesAndPaths:
    """Returns the codes and the paths, without the prefix; empty if the filter is valid."""
    try:
        parse(wire, catalog, *PREFIX)
    except InputError as refused:
        problems_found = refused.problems
    else:
        return []
    assert all(problem.path[:3] == PREFIX and problem.message for problem in problems_found)
    return [(problem.code.value, problem.path[3:]) for problem in problems_found]


def refusal_message(wire: Wire, catalog: Catalog = CATALOG) -> str:
    with pytest.raises(InputError) as refused:
        parse(wire, catalog)
    return str(refused.value)


def nested_none_groups(levels: int) -> Wire:
    wire: Wire = {"attribute": NAME_CONDITION}
    for _ in range(levels):
        wire = {"none": [wire]}
    return wire
