"""What a filter names, each with its path in the input. The filter need not be valid."""

from collections.abc import Iterator
from typing import NamedTuple

from app.errors import InputPath
from app.filters.filter_json import GROUP_CLASSES, FilterJson


class LocatedCondition(NamedTuple):
    """A condition of a filter. `kind` is "attribute", "event" or "segment"."""

    kind: str
    content: FilterJson
    path: InputPath


class LocatedProperty(NamedTuple):
    """The path of a property of events in an event condition, and where the input names it."""

    property_path: str
    path: InputPath


def located_conditions(filter_json: FilterJson, *path: str) -> Iterator[LocatedCondition]:
    """Yields the conditions of a filter whose location in the input is `path`."""
    for kind, content in filter_json.items():
        if content is None:
            continue
        if kind in GROUP_CLASSES:
            for index, branch in enumerate(content):
                yield from located_conditions(branch, *path, kind, str(index))
        else:
            yield LocatedCondition(kind, content, (*path, kind))


def located_properties(condition: LocatedCondition) -> Iterator[LocatedProperty]:
    """Yields the properties that an event condition reads."""
    for index, where_json in enumerate(condition.content.get("where") or ()):
        yield LocatedProperty(where_json["path"], (*condition.path, "where", str(index), "path"))
    if aggregate_json := condition.content.get("aggregate"):
        yield LocatedProperty(
            aggregate_json["property"], (*condition.path, "aggregate", "property")
        )
