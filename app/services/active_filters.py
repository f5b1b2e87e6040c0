"""Which filters the engine watches: begun by activation, followed by others where something that
they rest on changes, ended with their segment.

All of it happens in the transaction that changes the definitions, which is at one place in the
stream of changes: there the engine takes it up.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.domain.active_filters import ActiveFilter, Inside
from app.domain.metadata import UNDER_WAY
from app.domain.segments import Segment, SegmentKind
from app.errors import Code, refuse
from app.filters.parse import metadata_named, segments_named
from app.services.definitions import Definitions, DefinitionsReader
from app.store import Store, Transaction

Wire = Mapping[str, Any]


class ActiveFilters:
    """The verbs of what the engine watches. `definitions` are held still by the transaction, and
    the change makes the revision after theirs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def activate(
        self,
        segment_id: str,
        definitions: Definitions,
        now: datetime,
        transaction: Transaction,
        *path: str,
    ) -> Segment:
        """The segment, which is active from now on. Refused where it is static, or not there, or
        where the values of a metadata key that it names are being checked or converted."""
        segment = definitions.segments.get(segment_id)
        if segment is None:
            raise refuse(Code.NOT_FOUND, "There is no such segment.", *path)
        if segment.kind is SegmentKind.STATIC:
            message = (
                f"The segment {segment.name!r} is static, and nobody ever enters or leaves it;"
                " choose one with a filter."
            )
            raise refuse(Code.INVALID, message, *path)
        require_keys_ready(segment, definitions, *path)
        if segment.kind is SegmentKind.ACTIVE:
            return segment
        active = replace(segment, kind=SegmentKind.ACTIVE, activated_at=now, updated_at=now)
        await self._store.segments.save(active, definitions.revision + 1, transaction)
        await self._begin(active, definitions, transaction)
        return active

    async def follow(
        self, changed: Definitions, segment_ids: Iterable[str], transaction: Transaction
    ) -> None:
        """Whatever active segment is one of these, or rests on one, asks by `changed` now."""
        resting = {
            outer.id: outer
            for id_ in segment_ids
            if id_ in changed.segments
            for outer in (changed.segments[id_], *changed.resting_on(id_))
        }
        for segment in resting.values():
            if segment.kind is SegmentKind.ACTIVE:
                await self.end(segment.id, changed, transaction)
                await self._begin(segment, changed, transaction)

    async def adopt(self, reader: DefinitionsReader) -> None:
        """Whatever was begun under another time zone or week start asks by the project's now."""
        own = reader.calendar
        foreign = [
            active.segment_id
            for active in await self._store.active_filters.all()
            if active.until is None
            and (active.time_zone, active.week_start) != (own.zone.key, own.week_start)
        ]
        if not foreign:
            return

        async def work(transaction: Transaction) -> None:
            definitions = await reader.held_still(transaction)
            await self.follow(definitions, foreign, transaction)

        await self._store.transaction(work)

    async def end(
        self, segment_id: str, definitions: Definitions, transaction: Transaction
    ) -> None:
        """The segment asks nothing any more."""
        revision = definitions.revision + 1
        await self._store.active_filters.end(segment_id, revision, transaction)

    async def _begin(
        self, segment: Segment, definitions: Definitions, transaction: Transaction
    ) -> None:
        assert segment.filter is not None
        calendar = definitions.metadata.calendar
        inside = dict(_inside(segment.filter, definitions))
        wires = [segment.filter, *(each.filter for each in inside.values() if each.filter)]
        types = definitions.catalog.metadata
        active = ActiveFilter(
            slot=await self._store.active_filters.free_slot(transaction),
            segment_id=segment.id,
            segment_name=segment.name,
            filter=segment.filter,
            inside=inside,
            metadata={
                key: types[key] for wire in wires for key in metadata_named(wire) if key in types
            },
            time_zone=calendar.zone.key,
            week_start=calendar.week_start,
            since=definitions.revision + 1,
        )
        await self._store.active_filters.begin(active, transaction)


def require_keys_ready(segment: Segment, definitions: Definitions, *path: str) -> None:
    """Refused where the filter of the segment, or of a segment inside it at any depth, names a
    metadata key that is CHECKING or CONVERTING.

    The job rewrites the values of such a key, and filters read them in another way when it is
    READY: an active segment would make transitions of customers whose data nobody changed.
    """
    inside = _inside(segment.filter or {}, definitions)
    filters = [(segment.name, segment.filter), *((each.name, each.filter) for _, each in inside)]
    for name, wire in filters:
        for key in metadata_named(wire or {}):
            definition = definitions.metadata.definitions.get(key)
            if definition is not None and definition.state in UNDER_WAY:
                message = (
                    f"The filter of the segment {name!r} names metadata.{key}, which is"
                    f" {definition.state.value}; try again when it is READY."
                )
                raise refuse(Code.INVALID, message, *path)


def _inside(wire: Wire, definitions: Definitions) -> Iterator[tuple[str, Inside]]:
    """The segments inside the filter, at any depth."""
    waiting, seen = [*segments_named(wire)], set[str]()
    while waiting:
        id_ = waiting.pop()
        if id_ not in seen:
            seen.add(id_)
            segment = definitions.segments[id_]
            yield id_, Inside(segment.name, segment.filter)
            waiting += segments_named(segment.filter or {})
