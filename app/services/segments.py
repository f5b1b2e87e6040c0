"""Segments: create, edit and delete them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from app.domain.ids import EntityKind
from app.domain.inputs import InputObject
from app.domain.json_values import is_same_value
from app.domain.segment_changes import ChangePosition, RecordedChange, creation, edits
from app.domain.segment_lists import (
    ListedSegment,
    ListPosition,
    SegmentOrder,
    SegmentSelection,
)
from app.domain.segments import (
    MAX_STATIC_MEMBERS,
    Segment,
    SegmentKind,
    validate_description,
    validate_name,
)
from app.domain.uses import Use
from app.errors import InputError, UserErrorCode, input_error
from app.filters import Now, canonical, describe
from app.filters.calendar import parse_datetime
from app.services.active_filters import ActiveFilters, require_metadata_ready
from app.services.definitions import Definitions
from app.services.definitions_reader import DefinitionsReader
from app.services.idempotency import WITHOUT_KEY, CreationRecorder
from app.services.query_planner import QueryPlanner
from app.services.static_members import StaticMembers
from app.services.uses import require_unused
from app.store import Store, Transaction
from app.store.ids import new_id
from app.store.members import MEMBERS_REVISION
from app.store.retention import ENTRANCES_REVISION
from app.store.segment_sizes import SEGMENT_SIZES_REVISION
from app.worker_threads import run_in_thread_if_large


class Segments:
    """The operations on segments."""

    def __init__(
        self, store: Store, definitions: DefinitionsReader, query_planner: QueryPlanner
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._query_planner = query_planner
        self._active_filters = ActiveFilters(store)

    async def get(self, id_: str) -> Segment | None:
        return await self._store.segments.get(id_)

    async def get_many(self, ids: Iterable[str]) -> dict[str, Segment]:
        """Returns by id those segments that exist."""
        segments = (await self._definitions.latest()).segments
        return {id_: segments[id_] for id_ in ids if id_ in segments}

    async def page(
        self,
        selection: SegmentSelection,
        limit: int,
        *,
        order: SegmentOrder = SegmentOrder.CREATED,
        descending: bool = False,
        after: ListPosition | None = None,
    ) -> list[ListedSegment]:
        """Returns at most `limit` of the selected segments after a position."""
        return await self._store.segment_lists.page(
            selection, await self._used_ids(selection), order, after, limit, descending=descending
        )

    async def count(self, selection: SegmentSelection) -> int:
        """Returns the number of selected segments."""
        return await self._store.segment_lists.count(selection, await self._used_ids(selection))

    async def _used_ids(self, selection: SegmentSelection) -> Collection[str]:
        """Returns the ids of all used segments, if the selection depends on them."""
        if selection.unused is None:
            return ()
        return (await self._definitions.latest()).dependencies.used_segment_ids

    async def create(
        self, input_object: InputObject, now: Now, recorder: CreationRecorder = WITHOUT_KEY
    ) -> Segment:
        """Creates a passive segment from a filter, or a static one from a list of customers or a
        snapshot of a filter. Raises InputError if the input is invalid."""
        (kind, definition_input), *_ = (
            (name, value) for name, value in input_object["definition"].items() if value is not None
        )
        segment = Segment(
            id=new_id(EntityKind.SEGMENT),
            name=validate_name(input_object["name"]),
            description=validate_description(input_object.get("description")),
            kind=SegmentKind.PASSIVE if kind == "filter" else SegmentKind.STATIC,
            filter=canonical(definition_input) if kind == "filter" else None,
            created_at=now.at,
            updated_at=now.at,
        )
        path = ("input", "definition", kind)
        static_members = await self._static_members(kind, definition_input, now, *path)

        async def work(transaction: Transaction) -> None:
            await recorder.record(segment.id, transaction)
            definitions = await self._definitions.lock(transaction)
            if kind == "filter":
                await definitions.parse_input_filter(definition_input, *path)
            revision = definitions.revision + 1
            await self._store.segments.save(segment, revision, transaction)
            await self._store.segment_changes.add([creation(segment)], revision, transaction)
            if static_members is not None:
                # Conflicts with concurrent deletions of customers: each is either visible here, or
                # comes after this transaction and removes its memberships.
                await self._store.increment_revision(MEMBERS_REVISION, transaction)
                source_ids_by_id = await self._store.customers.source_ids(
                    static_members.refs, transaction
                )
                member_ids = await run_in_thread_if_large(static_members.resolve, source_ids_by_id)
                await self._store.members.add(segment.id, member_ids, transaction)

        await self._store.transaction(work)
        return segment

    async def _static_members(
        self, kind: str, definition_input: Any, now: Now, *path: str
    ) -> StaticMembers | None:
        """Returns the members of a new static segment; None for a segment with a filter."""
        if kind == "filter":
            return None
        if kind == "customers":
            return await run_in_thread_if_large(StaticMembers.from_input, definition_input, path)
        tree = await self._definitions.parse_filter(definition_input, *path)
        ids = await self._query_planner.plan(tree, now).ids(MAX_STATIC_MEMBERS + 1)
        return StaticMembers.from_ids(ids, path)

    async def update(self, id_: str, changes: InputObject, now: Now) -> Segment:
        """Updates the sent fields: the name, the description, and the filter of a passive segment.
        Raises InputError if a change is invalid, also for a segment that contains this one, and
        CONFLICT if the segment has changed after `unchangedSince`."""
        # Thousands of segments may contain this one. They are parsed before the transaction locks
        # the definitions.
        checked_definitions = await self._definitions.latest()
        if current := checked_definitions.segments.get(id_):
            await _require_dependents_fit(
                await _apply_changes(current, changes, checked_definitions, now),
                checked_definitions,
            )

        async def work(transaction: Transaction) -> Segment:
            definitions = await self._definitions.lock(transaction)
            segment = await self._store.segments.get(id_, transaction)
            if segment is None:
                raise input_error(UserErrorCode.NOT_FOUND, "There is no such segment.", "id")
            if (unchanged_since := changes.get("unchangedSince")) is not None:
                segment.require_unchanged_since(parse_datetime(unchanged_since))
            edited = await _apply_changes(segment, changes, definitions, now)
            if definitions is not checked_definitions:
                await _require_dependents_fit(edited, definitions)
            if not is_same_value(edited.filter, segment.filter):
                _require_keys_ready_in_dependents(edited, definitions)
            revision = definitions.revision + 1
            await self._store.segments.save(edited, revision, transaction)
            await self._store.segment_changes.add(edits(segment, edited), revision, transaction)
            await self._update_active_filters(segment, edited, definitions, transaction)
            return edited

        return await self._store.transaction(work)

    async def _update_active_filters(
        self, before: Segment, after: Segment, definitions: Definitions, transaction: Transaction
    ) -> None:
        """Renames or replaces the active filters that the edit affects."""
        if after.name != before.name:
            revision = definitions.revision + 1
            await self._store.active_filters.rename(after.id, after.name, revision, transaction)
        if not is_same_value(after.filter, before.filter):
            changed = definitions.with_segment(after)
            await self._active_filters.supersede(changed, [after.id], transaction)

    async def delete(self, id_: str) -> str:
        """Deletes the segment and returns its id. Raises SEGMENT_IN_USE if something uses it.

        The transaction writes a tombstone, so that readers skip the segment's rows at once. The
        sweeper removes the rows later.
        """

        async def work(transaction: Transaction) -> str:
            definitions = await self._definitions.lock(transaction)
            segment = await self._store.segments.get(id_, transaction)
            if segment is None:
                raise input_error(UserErrorCode.NOT_FOUND, "There is no such segment.", "id")
            require_unused(segment, definitions)
            # Conflicts with transactions that add a size or an entrance of the segment.
            await self._store.increment_revision(SEGMENT_SIZES_REVISION, transaction)
            await self._store.increment_revision(ENTRANCES_REVISION, transaction)
            await self._store.segment_tombstones.add(segment.id, transaction)
            await self._store.size_schedule.delete_segment(segment.id, transaction)
            await self._active_filters.deactivate(segment.id, definitions, transaction)
            revision = definitions.revision + 1
            await self._store.segments.delete(segment.id, revision, transaction)
            return segment.id

        return await self._store.transaction(work)

    async def filter_texts(self, segments: Sequence[Segment]) -> list[str | BaseException | None]:
        """Returns the filter of each segment as one English sentence; None for a static segment. In
        place of the text of an invalid filter, which may have been edited since, its InputError."""
        definitions = await self._definitions.latest()
        texts: list[str | BaseException | None] = []
        for segment in segments:
            await definitions.time_slice.yield_when_spent()
            try:
                texts.append(
                    None
                    if segment.filter is None
                    else describe(await definitions.load_filter_tree(segment))
                )
            except InputError as error:
                texts.append(error)
        return texts

    async def changes(
        self, segment_ids: Iterable[str], after: ChangePosition | None, limit: int
    ) -> dict[str, list[RecordedChange]]:
        """Returns, by segment, at most `limit` changes, newest first, before a position. A segment
        without changes is left out."""
        return await self._store.segment_changes.latest(segment_ids, after, limit)

    async def uses(self, segments: Sequence[Segment]) -> list[list[Use]]:
        """Returns, for each segment, its uses, which prevent its deletion."""
        definitions = await self._definitions.latest()
        return [definitions.uses_of_segment(segment.id) for segment in segments]


async def _apply_changes(
    segment: Segment, changes: InputObject, definitions: Definitions, now: Now
) -> Segment:
    """Returns the segment with the changes. Raises InputError if one is invalid."""
    if "name" in changes:
        segment = replace(segment, name=validate_name(changes["name"]))
    if "description" in changes:
        segment = replace(segment, description=validate_description(changes["description"]))
    if "filter" in changes:
        segment.require_editable()
        if changes["filter"] is None:
            message = "A filter can be changed, but not removed; leave it out."
            raise input_error(UserErrorCode.INVALID, message, "input", "filter")
        await definitions.parse_input_filter(
            changes["filter"], "input", "filter", own_segment_id=segment.id
        )
        segment = replace(segment, filter=canonical(changes["filter"]))
    return replace(segment, updated_at=segment.next_update_at(now.at))


def _require_keys_ready_in_dependents(edited: Segment, definitions: Definitions) -> None:
    """Raises INVALID if the edit would make an active segment that contains this one depend on a
    metadata key that is CHECKING or CONVERTING."""
    changed = definitions.with_segment(edited)
    for dependent in changed.dependents_of(edited.id):
        if dependent.kind is SegmentKind.ACTIVE:
            try:
                require_metadata_ready(dependent, changed)
            except InputError as error:
                message = f"The active segment {dependent.name!r} contains this one: {error}"
                raise input_error(UserErrorCode.INVALID, message, "input", "filter") from None


async def _require_dependents_fit(edited: Segment, definitions: Definitions) -> None:
    """Raises FILTER_TOO_COMPLEX if the edit would make a segment or a validation rule that contains
    this one too large."""
    if is_same_value(edited.filter, definitions.segments[edited.id].filter):
        return
    changed = definitions.with_segment(edited)
    for dependent in changed.dependents_of(edited.id):
        try:
            await changed.parse_segments([dependent.id])
        except InputError as error:
            raise _dependent_refused(f"segment {dependent.name!r}", error) from None
    for rule in changed.validation_rules_containing(edited.id):
        try:
            await changed.collect_rule_measures(rule.id)
        except InputError as error:
            raise _dependent_refused(f"validation rule {rule.name!r}", error) from None


def _dependent_refused(dependent: str, error: InputError) -> InputError:
    message = f"The {dependent} contains this one and would be invalid: {error}"
    return input_error(UserErrorCode.FILTER_TOO_COMPLEX, message, "input", "filter")
