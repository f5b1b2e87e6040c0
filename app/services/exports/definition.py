"""What an export's rows depend on, and whether that still holds."""

from datetime import datetime
from zoneinfo import ZoneInfo

from app.domain.exports import ExportDefinition, RowOptions
from app.domain.metadata import IN_PROGRESS_STATES, DefinitionState, KeyDefinition
from app.domain.metadata_values import TEMPORAL_TYPES
from app.domain.segments import Segment
from app.errors import SegmentsError, UserErrorCode, input_error
from app.filters import AttributeType, Calendar, Filter, Now
from app.filters.fields import split_path
from app.services.definitions import Definitions
from app.services.parsed_filters import static_member_filter
from app.services.referenced_segments import (
    metadata_keys,
    parse_with_references,
    referenced_segments,
)


class ExportOutdated(SegmentsError):
    """The export can't go on as it began. The message says why, for the client."""


def build_definition(
    segment: Segment,
    options: RowOptions,
    definitions: Definitions,
    now: datetime,
    max_customer_id: str | None,
) -> ExportDefinition:
    """Returns the definition of a new export; `options` need no metadata types yet.

    Raises INVALID if a metadata key that the filter or a column reads is being converted.
    """
    segments = dict(referenced_segments(segment.filter or {}, definitions))
    column_keys = _column_keys(options.fields)
    filter_keys = metadata_keys(segment.filter, segments)
    keys = None if column_keys is None else tuple(sorted(column_keys | filter_keys))
    _require_keys_ready(keys, definitions)
    calendar = definitions.metadata_schema.calendar
    types = definitions.catalog.metadata
    return ExportDefinition(
        segment_id=segment.id,
        filter=segment.filter,
        referenced_segments=segments,
        metadata_keys=keys,
        time_zone=calendar.time_zone.key,
        week_start=calendar.week_start,
        now=now,
        max_customer_id=max_customer_id,
        row_options=RowOptions(
            fields=options.fields,
            format=options.format,
            has_byte_order_mark=options.has_byte_order_mark,
            escapes_formulas=options.escapes_formulas,
            metadata_types={
                key: type_ for key, type_ in types.items() if keys is None or key in keys
            },
        ),
    )


def parse_definition(definition: ExportDefinition) -> tuple[Filter, Now]:
    """Returns the filter of the members and the instant at which it is evaluated."""
    calendar = Calendar(ZoneInfo(definition.time_zone), definition.week_start)
    tree = (
        static_member_filter(definition.segment_id)
        if definition.filter is None
        else parse_with_references(
            definition.filter,
            definition.referenced_segments,
            definition.row_options.metadata_types,
        )
    )
    return tree, Now(definition.now, calendar)


def require_unchanged_data(definition: ExportDefinition, definitions: Definitions) -> None:
    """Raises ExportOutdated if the data that the export reads have been changed by a change of
    definitions: a static segment was deleted with its members, or values of a metadata key were
    converted. An edited filter does not matter: the export has its own copy."""
    for segment_id, name in definition.static_segment_names.items():
        if segment_id not in definitions.segments:
            subject = "The segment" if name is None else f"The static segment {name!r}"
            raise ExportOutdated(
                f"{subject} was deleted during the export, and its list of members with it."
            )
    current = definitions.metadata_schema.definitions
    keys = current if definition.metadata_keys is None else definition.metadata_keys
    types = definition.row_options.metadata_types
    for key in keys:
        type_ = types.get(key)
        format_ = type_.type if type_ and type_.type in TEMPORAL_TYPES else None
        if _is_converted(current.get(key), format_):
            raise ExportOutdated(
                f"metadata.{key} was redefined during the export, which converts its values;"
                " start a new export when the key is READY."
            )


def _is_converted(current: KeyDefinition | None, format_: AttributeType | None) -> bool:
    """Whether stored values may have another format than `format_`: that of a DATE or a DATETIME,
    or that of JSON if None."""
    if current is None:
        return format_ is not None
    if current.state is DefinitionState.CONVERTING and current.previous is not None:
        return True
    storage = current.storage_definition
    return (storage.type if storage and storage.type in TEMPORAL_TYPES else None) != format_


def _column_keys(fields: tuple[str, ...]) -> set[str] | None:
    """The metadata keys that the columns read; None if one reads all."""
    if "metadata" in fields:
        return None
    return {
        split_path(path.removeprefix("metadata."))[0]
        for path in fields
        if path.startswith("metadata.")
    }


def _require_keys_ready(keys: tuple[str, ...] | None, definitions: Definitions) -> None:
    current = definitions.metadata_schema.definitions
    for key in current if keys is None else keys:
        definition = current.get(key)
        if definition is not None and definition.state in IN_PROGRESS_STATES:
            message = (
                f"The export reads metadata.{key}, which is {definition.state.value}; try again"
                " when it is READY."
            )
            raise input_error(UserErrorCode.INVALID, message, "input")
