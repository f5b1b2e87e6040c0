"""Filters in the shape of the API's `FilterInput`, before they are parsed."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.filters.tree import AllOf, AnyOf, NoneOf

FilterJson = Mapping[str, Any]
"""A filter, or a condition in it, as JSON."""

GROUP_CLASSES: dict[str, type[AllOf | AnyOf | NoneOf]] = {
    "all": AllOf,
    "any": AnyOf,
    "none": NoneOf,
}
_DEFAULT_VALUES: dict[str, FilterJson] = {
    "attribute": {"ignoreCase": False},
    "event": {"operator": "GREATER_THAN_OR_EQUAL", "value": 1},
    "segment": {"member": True},
}


def canonical(filter_json: FilterJson) -> dict[str, Any]:
    """The stored form of a filter: as the client sent it, without nulls and default values."""
    kind, content = next(
        (kind, content) for kind, content in filter_json.items() if content is not None
    )
    if kind in GROUP_CLASSES:
        return {kind: [canonical(branch) for branch in content]}
    return {kind: _without_defaults(content, _DEFAULT_VALUES.get(kind, {}))}


def _without_defaults(condition_json: FilterJson, defaults: FilterJson) -> dict[str, Any]:
    remaining = {
        key: value
        for key, value in condition_json.items()
        if value is not None and not (key in defaults and _is_same(value, defaults[key]))
    }
    if "where" in remaining:
        remaining["where"] = [
            _without_defaults(where_json, _DEFAULT_VALUES["attribute"])
            for where_json in remaining["where"]
        ]
        if not remaining["where"]:
            del remaining["where"]
    return remaining


def _is_same(value: object, default: object) -> bool:
    return type(value) is type(default) and value == default


def conditions_with_level(
    filter_json: FilterJson, level: int, max_level: int
) -> Iterator[tuple[int, FilterJson]]:
    """Every condition with its depth in groups, from `level` on.

    An empty group counts as a condition, and so does a group deeper than `max_level`, whose
    branches are not visited.
    """
    if level > max_level:
        yield level, {}
        return
    if not any(filter_json.values()):
        yield level, {}
    for kind, content in filter_json.items():
        if kind in GROUP_CLASSES:
            for branch in content or ():
                branch_level = level + 1 if _is_group(branch) else level
                yield from conditions_with_level(branch, branch_level, max_level)
        elif content is not None:
            yield level, content
            for where_json in content.get("where") or ():
                yield level, where_json


def _is_group(filter_json: FilterJson) -> bool:
    return any(filter_json.get(kind) is not None for kind in GROUP_CLASSES)


def count_letters(value: object) -> int:
    """The number of characters in a string or in the strings of a list."""
    values = value if isinstance(value, list | tuple) else (value,)
    return sum(len(element) for element in values if isinstance(element, str))
