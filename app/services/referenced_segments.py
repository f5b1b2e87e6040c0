"""Filters that are stored with a copy of everything that they refer to."""

from collections.abc import Iterator, Mapping

from app.domain.active_filters import ReferencedSegment
from app.filters import Catalog, Filter, MetadataType, parse
from app.filters.filter_json import FilterJson
from app.filters.parse import referenced_metadata_keys, referenced_segment_ids
from app.filters.tree import NestedSegment
from app.services.definitions import Definitions
from app.services.parsed_filters import static_member_filter


def referenced_segments(
    filter_json: FilterJson, definitions: Definitions
) -> Iterator[tuple[str, ReferencedSegment]]:
    """Yields the segments inside the filter, at any depth, each once, with their ids."""
    pending_ids, visited_ids = [*referenced_segment_ids(filter_json)], set[str]()
    while pending_ids:
        segment_id = pending_ids.pop()
        if segment_id not in visited_ids:
            visited_ids.add(segment_id)
            segment = definitions.segments[segment_id]
            yield segment_id, ReferencedSegment(segment.name, segment.filter)
            pending_ids += referenced_segment_ids(segment.filter or {})


def metadata_keys(
    filter_json: FilterJson | None, segments: Mapping[str, ReferencedSegment]
) -> set[str]:
    """Returns the metadata keys that a filter and the segments inside it name."""
    filters = [filter_json, *(segment.filter for segment in segments.values())]
    return {key for filter_ in filters if filter_ for key in referenced_metadata_keys(filter_)}


def parse_with_references(
    filter_json: FilterJson,
    segments: Mapping[str, ReferencedSegment],
    metadata: Mapping[str, MetadataType],
) -> Filter:
    """Parses a filter with the copies that are stored beside it: the segments inside it at any
    depth, by id, and the types of metadata keys."""
    nested_by_id: dict[str, NestedSegment] = {}

    def nested(id_: str) -> NestedSegment:
        if id_ not in nested_by_id:
            segment = segments[id_]
            tree = (
                static_member_filter(id_)
                if segment.filter is None
                else parse(segment.filter, catalog)
            )
            nested_by_id[id_] = NestedSegment(id_, segment.name, tree)
        return nested_by_id[id_]

    catalog = Catalog(metadata, nested)
    return parse(filter_json, catalog)
