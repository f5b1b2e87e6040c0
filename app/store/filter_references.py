"""How a stored filter keeps a copy of what it refers to: segments, and types of metadata keys.

Both are lists: the project's metadata keys need not be valid field names in MongoDB.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from app.domain.active_filters import ReferencedSegment
from app.filters import AttributeType, MetadataType

Row = Mapping[str, Any]


def segment_rows(segments: Mapping[str, ReferencedSegment]) -> list[Row]:
    return [
        {"id": id_, "name": segment.name, "filter": segment.filter}
        for id_, segment in segments.items()
    ]


def as_referenced_segments(rows: Iterable[Row]) -> dict[str, ReferencedSegment]:
    return {row["id"]: ReferencedSegment(row["name"], row["filter"]) for row in rows}


def metadata_rows(types: Mapping[str, MetadataType]) -> list[Row]:
    return [
        {"key": key, "type": type_.type.value, "isArray": type_.is_array}
        for key, type_ in types.items()
    ]


def as_metadata_types(rows: Iterable[Row]) -> dict[str, MetadataType]:
    return {row["key"]: MetadataType(AttributeType(row["type"]), row["isArray"]) for row in rows}
