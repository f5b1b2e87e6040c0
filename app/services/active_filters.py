"""Maintains the active filters: the filters that the engine evaluates for every customer.

Activating a segment adds its filter. A change of the segment, of a segment inside it or of a
metadata key that it names ends the filter and adds another. Deleting the segment ends it.

The transaction that changes the definitions also changes the active filters. It has one position in
the change stream, and from there on the engine uses them.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from app.domain.active_filters import ActiveFilter
from app.domain.metadata import IN_PROGRESS_STATES
from app.domain.segment_changes import activation
from app.domain.segments import Segment, SegmentKind
from app.domain.uses import Use
from app.errors import UserErrorCode, input_error
from app.filters.parse import referenced_metadata_keys
from app.services.definitions import Definitions
from app.services.definitions_reader import DefinitionsReader
from app.services.referenced_segments import metadata_keys, referenced_segments
from app.store import Store, Transaction


class ActiveFilters:
    """Adds and ends active filters.

    The caller's transaction has locked `definitions`. The change creates the revision after them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def activate(
        self,
        segment_id: str,
        definitions: Definitions,
        now: datetime,
        transaction: Transaction,
        *path: str,
        use: Use,
    ) -> Segment:
        """Makes a segment active for its use, and returns it; an active segment is returned as it
        is.

        Raises InputError at `path` if the segment does not exist, is static, or names a metadata
        key whose values are being checked or converted.
        """
        segment = definitions.segments.get(segment_id)
        if segment is None:
            raise input_error(UserErrorCode.NOT_FOUND, "There is no such segment.", *path)
        if segment.kind is SegmentKind.STATIC:
            message = (
                f"The segment {segment.name!r} is static, and nobody ever enters or leaves it;"
                " choose one with a filter."
            )
            raise input_error(UserErrorCode.INVALID, message, *path)
        require_metadata_ready(segment, definitions, *path)
        if segment.kind is SegmentKind.ACTIVE:
            return segment
        updated_at, revision = segment.next_update_at(now), definitions.revision + 1
        active_segment = replace(
            segment, kind=SegmentKind.ACTIVE, activated_at=now, updated_at=updated_at
        )
        await self._store.segments.save(active_segment, revision, transaction)
        change = activation(active_segment, use)
        await self._store.segment_changes.add([change], revision, transaction)
        await self._insert_filter(active_segment, definitions, transaction)
        return active_segment

    async def supersede(
        self, definitions: Definitions, segment_ids: Iterable[str], transaction: Transaction
    ) -> None:
        """Replaces the active filters of these segments and of all segments that contain them, by
        filters as in `definitions`."""
        affected_segments = {
            affected_segment.id: affected_segment
            for segment_id in segment_ids
            if segment_id in definitions.segments
            for affected_segment in (
                definitions.segments[segment_id],
                *definitions.dependents_of(segment_id),
            )
        }
        for segment in affected_segments.values():
            if segment.kind is SegmentKind.ACTIVE:
                await self.deactivate(segment.id, definitions, transaction)
                await self._insert_filter(segment, definitions, transaction)

    async def apply_project_calendar(self, definitions_reader: DefinitionsReader) -> None:
        """Replaces active filters that have another time zone or week start than the project."""
        project_calendar = definitions_reader.calendar
        outdated_segment_ids = [
            active_filter.segment_id
            for active_filter in await self._store.active_filters.all()
            if active_filter.until_revision is None
            and (active_filter.time_zone, active_filter.week_start)
            != (project_calendar.time_zone.key, project_calendar.week_start)
        ]
        if not outdated_segment_ids:
            return

        async def work(transaction: Transaction) -> None:
            definitions = await definitions_reader.lock(transaction)
            await self.supersede(definitions, outdated_segment_ids, transaction)

        await self._store.transaction(work)

    async def deactivate(
        self, segment_id: str, definitions: Definitions, transaction: Transaction
    ) -> None:
        """Ends the segment's active filter, if it has one."""
        revision = definitions.revision + 1
        await self._store.active_filters.end(segment_id, revision, transaction)

    async def _insert_filter(
        self, segment: Segment, definitions: Definitions, transaction: Transaction
    ) -> None:
        assert segment.filter is not None
        calendar = definitions.metadata_schema.calendar
        nested_segments = dict(referenced_segments(segment.filter, definitions))
        metadata_types = definitions.catalog.metadata
        active_filter = ActiveFilter(
            slot=await self._store.active_filters.find_free_slot(transaction),
            segment_id=segment.id,
            segment_name=segment.name,
            filter=segment.filter,
            referenced_segments=nested_segments,
            metadata={
                key: metadata_types[key]
                for key in sorted(metadata_keys(segment.filter, nested_segments))
                if key in metadata_types
            },
            time_zone=calendar.time_zone.key,
            week_start=calendar.week_start,
            since_revision=definitions.revision + 1,
        )
        await self._store.active_filters.add(active_filter, transaction)


def require_metadata_ready(segment: Segment, definitions: Definitions, *path: str) -> None:
    """Raises InputError at `path` if the filter of the segment, or of a segment inside it at any
    depth, names a metadata key that is CHECKING or CONVERTING.

    The conversion job rewrites the values of such a key, and filters read them differently once it
    is READY: an active segment would have transitions of customers whose data nobody changed.
    """
    nested_segments = referenced_segments(segment.filter or {}, definitions)
    filters = [
        (segment.name, segment.filter),
        *((nested_segment.name, nested_segment.filter) for _, nested_segment in nested_segments),
    ]
    for name, filter_json in filters:
        for key in referenced_metadata_keys(filter_json or {}):
            definition = definitions.metadata_schema.definitions.get(key)
            if definition is not None and definition.state in IN_PROGRESS_STATES:
                message = (
                    f"The filter of the segment {name!r} names metadata.{key}, which is"
                    f" {definition.state.value}; try again when it is READY."
                )
                raise input_error(UserErrorCode.INVALID, message, *path)
