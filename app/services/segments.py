"""What can be done with segments: make them, edit them, delete them, see who is in."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.domain.customers import Customer
from app.domain.ids import Kind
from app.domain.json import same
from app.domain.segments import MOST_STATIC_MEMBERS, Segment, SegmentKind, described, named
from app.errors import Code, Refused, refuse
from app.filters import Filter, Now, canonical, parse, text
from app.services.active_filters import ActiveFilters, require_keys_ready
from app.services.candidates import Candidates
from app.services.definitions import Definitions, DefinitionsReader
from app.services.population import Population, Selection
from app.services.rows import Wire
from app.services.uses import Use, require_unused, uses_of
from app.store import Store, Transaction
from app.store.ids import new_id
from app.store.members import FENCE
from app.store.retention import FENCE as ENTRANCES
from app.store.sizes import FENCE as SIZES


class Segments:
    """The verbs of segments."""

    def __init__(
        self, store: Store, definitions: DefinitionsReader, population: Population
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._population = population
        self._active_filters = ActiveFilters(store)

    async def get(self, id_: str) -> Segment | None:
        return await self._store.segments.get(id_)

    async def named(self, ids: Iterable[str]) -> dict[str, Segment]:
        """Those of the segments that are there."""
        segments = (await self._definitions.now()).segments
        return {id_: segments[id_] for id_ in ids if id_ in segments}

    async def page(
        self,
        search: str | None,
        kinds: Sequence[SegmentKind] | None,
        after: str | None,
        most: int,
    ) -> list[Segment]:
        return await self._store.segments.page(search, kinds, after, most)

    async def count(self, search: str | None, kinds: Sequence[SegmentKind] | None) -> int:
        return await self._store.segments.count(search, kinds)

    async def create(self, wire: Wire, now: Now) -> Segment:
        """Makes a passive segment of a filter, or a static one of customers or a snapshot."""
        (kind, given), *_ = ((k, v) for k, v in wire["definition"].items() if v is not None)
        segment = Segment(
            id=new_id(Kind.SEGMENT),
            name=named(wire["name"]),
            description=described(wire.get("description")),
            kind=SegmentKind.PASSIVE if kind == "filter" else SegmentKind.STATIC,
            filter=canonical(given) if kind == "filter" else None,
            created_at=now.at,
            updated_at=now.at,
        )
        path = ("input", "definition", kind)
        candidates = await self._candidates(kind, given, now, *path)

        async def work(transaction: Transaction) -> None:
            definitions = await self._definitions.held_still(transaction)
            if kind == "filter":
                await definitions.parse_inside(given)
                parse(given, definitions.catalog, *path)
            await self._store.segments.save(segment, definitions.revision + 1, transaction)
            if candidates is not None:
                # Members who are being deleted now are either not seen here, or go after.
                await self._store.fence(FENCE, transaction)
                found = await self._store.customers.source_ids(candidates.refs, transaction)
                await self._store.members.add(segment.id, candidates.fix(found), transaction)

        await self._store.transaction(work)
        return segment

    async def _candidates(self, kind: str, given: Any, now: Now, *path: str) -> Candidates | None:
        """Whom the definition names; None where it is a filter that goes on being asked."""
        if kind == "filter":
            return None
        if kind == "customers":
            return Candidates.listed(given, path)
        tree = await self._definitions.parse(given, *path)
        ids = await self._population.select(tree, now).ids(MOST_STATIC_MEMBERS + 1)
        return Candidates.selected(ids, path)

    async def update(self, id_: str, changes: Wire, now: Now) -> Segment:
        """Changes what is given: the name, the description, a passive segment's filter."""
        # Thousands of segments may have this one inside: they are parsed before others wait.
        checked = await self._definitions.now()
        if known := checked.segments.get(id_):
            await _require_room_around(await _edited(known, changes, checked, now), checked)

        async def work(transaction: Transaction) -> Segment:
            definitions = await self._definitions.held_still(transaction)
            segment = await self._store.segments.get(id_, transaction)
            if segment is None:
                raise refuse(Code.NOT_FOUND, "There is no such segment.", "id")
            edited = await _edited(segment, changes, definitions, now)
            if definitions is not checked:
                await _require_room_around(edited, definitions)
            if not same(edited.filter, segment.filter):
                _require_keys_ready_around(edited, definitions)
            await self._store.segments.save(edited, definitions.revision + 1, transaction)
            await self._watched_anew(segment, edited, definitions, transaction)
            return edited

        return await self._store.transaction(work)

    async def _watched_anew(
        self, before: Segment, after: Segment, definitions: Definitions, transaction: Transaction
    ) -> None:
        """Tells the engine what the edit changes of that which it watches."""
        if after.name != before.name:
            revision = definitions.revision + 1
            await self._store.active_filters.rename(after.id, after.name, revision, transaction)
        if not same(after.filter, before.filter):
            changed = definitions.edited(after)
            await self._active_filters.follow(changed, [after.id], transaction)

    async def delete(self, id_: str) -> str:
        """Deletes the segment, unless something uses it. The sweeper removes its rows later; from
        this transaction on no reader finds them."""

        async def work(transaction: Transaction) -> str:
            definitions = await self._definitions.held_still(transaction)
            segment = await self._store.segments.get(id_, transaction)
            if segment is None:
                raise refuse(Code.NOT_FOUND, "There is no such segment.", "id")
            require_unused(segment, definitions)
            # Nobody adds a size or an entrance of the segment after this transaction.
            await self._store.fence(SIZES, transaction)
            await self._store.fence(ENTRANCES, transaction)
            await self._store.segment_tombstones.add(segment.id, transaction)
            await self._store.size_schedule.delete_segment(segment.id, transaction)
            await self._active_filters.end(segment.id, definitions, transaction)
            revision = definitions.revision + 1
            await self._store.segments.delete(segment.id, revision, transaction)
            return segment.id

        return await self._store.transaction(work)

    async def members(
        self, segment: Segment, after: str | None, most: int, now: Now
    ) -> list[Customer]:
        """Those who are in at this moment, by id, after one of them."""
        if segment.filter is None:
            return await self._store.members.page(segment.id, after, most)
        tree = await self._tree(segment)
        return await self._population.select(tree, now).page(after, most)

    async def entered_at(
        self, segment: Segment, customer_ids: Sequence[str]
    ) -> dict[str, datetime]:
        """When those of its members last entered an active segment who did not begin in it."""
        if segment.kind is not SegmentKind.ACTIVE:
            return {}
        return await self._store.transitions.entered_at(segment.id, customer_ids)

    async def member_count(self, segment: Segment, now: Now) -> int:
        if segment.filter is None:
            return await self._store.members.count(segment.id)
        tree = await self._tree(segment)
        return await self._population.select(tree, now).count()

    async def scans(self, segment: Segment, now: Now) -> bool:
        """Whether the members can be counted only by a look at everything."""
        if segment.filter is None:
            return False
        tree = await self._tree(segment)
        return await self._population.select(tree, now).scans()

    async def filter_text(self, segment: Segment) -> str | None:
        """The filter as one readable sentence; None where the segment is static."""
        if segment.filter is None:
            return None
        return text(await self._tree(segment))

    async def _tree(self, segment: Segment) -> Filter:
        definitions = await self._definitions.now()
        await definitions.parse_segments([segment.id])
        return definitions.tree(segment)

    async def uses(self, segment: Segment) -> list[Use]:
        """What keeps the segment from being deleted."""
        return uses_of(segment, await self._definitions.now())

    async def preview(self, wire: Wire, now: Now) -> Selection:
        """What a filter would select, before it is saved."""
        return self._population.select(await self._definitions.parse(wire, "filter"), now)


async def _edited(segment: Segment, changes: Wire, definitions: Definitions, now: Now) -> Segment:
    """The segment with the changes laid over it."""
    if "name" in changes:
        segment = replace(segment, name=named(changes["name"]))
    if "description" in changes:
        segment = replace(segment, description=described(changes["description"]))
    if "filter" in changes:
        segment.require_editable()
        if changes["filter"] is None:
            message = "A filter can be changed, but not removed; leave it out."
            raise refuse(Code.INVALID, message, "input", "filter")
        await definitions.parse_inside(changes["filter"])
        parse(changes["filter"], definitions.catalog, "input", "filter", own=segment.id)
        segment = replace(segment, filter=canonical(changes["filter"]))
    return replace(segment, updated_at=now.at)


def _require_keys_ready_around(edited: Segment, definitions: Definitions) -> None:
    """Refused where an active segment rests on this one, and would come to name a metadata key
    that is CHECKING or CONVERTING."""
    changed = definitions.edited(edited)
    for outer in changed.resting_on(edited.id):
        if outer.kind is SegmentKind.ACTIVE:
            try:
                require_keys_ready(outer, changed)
            except Refused as refused:
                message = f"The segment {outer.name!r} rests on this one, and is active: {refused}"
                raise refuse(Code.INVALID, message, "input", "filter") from None


async def _require_room_around(edited: Segment, definitions: Definitions) -> None:
    """Refused where a segment that rests on this one would grow too large by the edit."""
    if same(edited.filter, definitions.segments[edited.id].filter):
        return
    changed = definitions.edited(edited)
    for outer in changed.resting_on(edited.id):
        try:
            await changed.parse_segments([outer.id])
        except Refused as refused:
            message = (
                f"The segment {outer.name!r} rests on this one, and would be refused: {refused}"
            )
            raise refuse(Code.FILTER_TOO_COMPLEX, message, "input", "filter") from None
