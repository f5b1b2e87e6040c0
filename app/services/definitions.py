"""What filters rest on: segments and the metadata's types, parsed once; and what uses segments.

A process reads what changed since the revision it knows, and keeps the trees that the changes do
not touch.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

from app.backoff import Backoff
from app.domain.ids import Kind
from app.domain.json import same
from app.domain.loyalty import EarningRule
from app.domain.metadata import Definition, Metadata
from app.domain.segments import Segment
from app.filters import Calendar, Catalog, Filter, MetadataType, parse
from app.filters.parse import segments_named
from app.filters.sources import listing
from app.filters.tree import Listed, Measure, Nested
from app.long_lived import LongLived
from app.services.dependencies import Dependencies, Names, names_in
from app.services.measures import Measures
from app.services.trees import Trees
from app.store import Store, Transaction
from app.store.definitions import Changes, Version
from app.store.ids import key
from app.store.segments import REVISION
from app.time_slice import TimeSlice

Wire = Mapping[str, Any]
Row = TypeVar("Row")

_heap = LongLived()


@dataclass(frozen=True)
class Definitions:
    """All definitions as of one version. They do not change; filters are parsed as needed."""

    version: Version
    metadata: Metadata
    segments: Mapping[str, Segment] = field(default_factory=dict)
    earning_rules: Mapping[str, EarningRule] = field(default_factory=dict)
    dependencies: Dependencies = field(default_factory=Dependencies)
    time_slice: TimeSlice = field(default_factory=TimeSlice)
    _types: Mapping[str, MetadataType] = field(default_factory=dict)
    _trees: Trees = field(default_factory=Trees)
    _measures: Measures = field(default_factory=Measures)

    @property
    def revision(self) -> int:
        return self.version.revision

    @property
    def catalog(self) -> Catalog:
        """What filters may name. It is not kept here: the two would keep each other alive."""
        return Catalog(self._types, self.nested)

    def nested(self, id_: str) -> Nested | None:
        """The segment as it stands inside a filter, parsed when it is first asked for."""
        known = self._trees.get(id_)
        if known is None and (segment := self.segments.get(id_)):
            known = self._trees.add(Nested(id_, segment.name, self._parsed(segment)))
        return known

    def tree(self, segment: Segment) -> Filter:
        """Whom the segment holds of: its filter, or where it is static its list."""
        known = self.segments.get(segment.id)
        if known is segment or known == segment:
            nested = self.nested(segment.id)
            assert nested is not None
            return nested.tree
        # It was read before or after these definitions: what it says is not to be kept.
        return self._parsed(segment)

    def _parsed(self, segment: Segment) -> Filter:
        if segment.filter is None:
            return Listed(Measure(listing(segment.id, key(Kind.SEGMENT, segment.id))))
        return parse(segment.filter, self.catalog)

    async def parse_segments(self, segment_ids: Iterable[str]) -> None:
        """Parses those of the segments that are not parsed yet, without holding the event loop."""
        for id_ in segment_ids:
            if id_ not in self._trees and (segment := self.segments.get(id_)):
                await self.parse_inside(segment.filter)
                await self.time_slice.turn()
                self.nested(id_)

    async def parse_inside(self, wire: Wire | None) -> None:
        """Parses the segments inside a filter, without holding the event loop."""
        await self.parse_segments(segments_named(wire or {}))

    async def measures(self, segment_ids: Collection[str] | None) -> Sequence[Measure]:
        """Every measure that memberships in the segments need; in all of them, where None."""
        if segment_ids is None:
            await self._measure(self._measures.missing(self.segments))
            return self._measures.all()
        await self._measure(segment_ids)
        needed: dict[Measure, None] = {}
        for id_ in segment_ids:
            if nested := self.nested(id_):
                needed.update(dict.fromkeys(self._measures.of(id_, nested.tree)))
        return list(needed)

    async def _measure(self, segment_ids: Collection[str]) -> None:
        await self.parse_segments(segment_ids)
        for id_ in segment_ids:
            if nested := self.nested(id_):
                await self.time_slice.turn()
                self._measures.of(id_, nested.tree)

    def users(self, segment_id: str) -> list[Segment]:
        """The segments whose filters name the segment."""
        return [self.segments[id_] for id_ in self.dependencies.on_segment(segment_id)]

    def users_of_key(self, key: str) -> list[Segment]:
        """The segments whose own filters ask of the key of metadata."""
        return [self.segments[id_] for id_ in self.dependencies.on_key(key)]

    def resting_on(self, segment_id: str) -> list[Segment]:
        """The segments that have the segment inside them, at any depth."""
        return [self.segments[id_] for id_ in sorted(self.dependencies.above([segment_id]))]

    def rules_on(self, segment_id: str) -> list[EarningRule]:
        """The earning rules that give points for entering the segment."""
        return self._rules_by_segment.get(segment_id, [])

    def rules_of(self, program_id: str) -> list[EarningRule]:
        """The earning rules of a loyalty program."""
        return self._rules_by_program.get(program_id, [])

    @cached_property
    def _rules_by_segment(self) -> dict[str, list[EarningRule]]:
        return grouped(self.earning_rules.values(), lambda rule: rule.segment_id)

    @cached_property
    def _rules_by_program(self) -> dict[str, list[EarningRule]]:
        return grouped(self.earning_rules.values(), lambda rule: rule.program_id)

    def edited(self, segment: Segment) -> "Definitions":
        """The same with the segment in the place of what it was."""
        builder = _Builder(self)
        builder.put_segment(segment)
        return builder.build(self.version)

    def defined(self, definition: Definition) -> "Definitions":
        """The same with the key of metadata defined like this."""
        builder = _Builder(self)
        builder.put_definition(definition)
        return builder.build(self.version)

    async def after(self, changes: Changes, revision: int | None = None) -> "Definitions":
        """These with the changes applied; `revision`, where given, takes the place of theirs."""
        builder = _Builder(self)
        if changes.complete:
            builder.retain(changes)
        for definition in changes.metadata:
            builder.put_definition(definition)
        for segment in changes.segments:
            await self.time_slice.turn()
            builder.put_segment(segment)
        for id_ in changes.deleted_segments:
            builder.remove_segment(id_)
        for rule in changes.earning_rules:
            builder.put_rule(rule)
        version = changes.version
        return builder.build(version if revision is None else version._replace(revision=revision))


class _Builder:
    """Collects changes of definitions, and keeps of the base what they do not touch."""

    def __init__(self, base: Definitions) -> None:
        self._base = base
        self._segments = _Rows(base.segments)
        self._rules = _Rows(base.earning_rules)
        self._definitions = _Rows(base.metadata.definitions)
        self._names: dict[str, Names | None] = {}
        self._changed_segments: set[str] = set()
        self._changed_keys: set[str] = set()

    def put_segment(self, segment: Segment) -> None:
        before = self._segments.put(segment.id, segment)
        asks_the_same = before is not None and same(before.filter, segment.filter)
        if before is None or before.name != segment.name or not asks_the_same:
            self._changed_segments.add(segment.id)
        if not asks_the_same:
            self._names[segment.id] = names_in(segment)

    def remove_segment(self, id_: str) -> None:
        if self._segments.pop(id_) is not None:
            self._changed_segments.add(id_)
            self._names[id_] = None

    def retain(self, changes: Changes) -> None:
        """Removes what complete changes do not contain."""
        for id_ in self._segments.others({segment.id for segment in changes.segments}):
            self.remove_segment(id_)
        for key_ in self._definitions.others({each.key for each in changes.metadata}):
            self._definitions.pop(key_)
            self._changed_keys.add(key_)
        for id_ in self._rules.others({rule.id for rule in changes.earning_rules}):
            self._rules.pop(id_)

    def put_definition(self, definition: Definition) -> None:
        before = self._definitions.put(definition.key, definition)
        if (before and before.known_to_filters) != definition.known_to_filters:
            self._changed_keys.add(definition.key)

    def put_rule(self, rule: EarningRule) -> None:
        if rule.interval.until is None:
            self._rules.put(rule.id, rule)
        else:
            self._rules.pop(rule.id)

    def build(self, version: Version) -> Definitions:
        dependencies = self._base.dependencies.changed(self._names)
        # Trees are others now by a filter or name, by the type of a key, by a segment inside.
        outdated = set(self._changed_segments)
        for key_ in self._changed_keys:
            outdated.update(dependencies.on_key(key_))
        outdated |= dependencies.above(outdated)
        return Definitions(
            version,
            replace(self._base.metadata, definitions=self._definitions.in_order()),
            self._segments.in_order(),
            self._rules.in_order(),
            dependencies,
            self._base.time_slice,
            self._types(),
            self._base._trees.without(outdated),
            self._base._measures.without(outdated),
        )

    def _types(self) -> Mapping[str, MetadataType]:
        if not self._changed_keys:
            return self._base._types
        definitions = self._definitions.in_order()
        known = {key_: each.known_to_filters for key_, each in definitions.items()}
        return {key_: type_ for key_, type_ in known.items() if type_}


class _Rows(Generic[Row]):
    """Rows by key, copied when the first of them changes."""

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self._rows = rows
        self._own: dict[str, Row] | None = None
        self._is_sorted = True

    def put(self, key_: str, row: Row) -> Row | None:
        """What the row takes the place of."""
        own = self._changed()
        before = own.get(key_)
        if before is None and own and key_ < next(reversed(own)):
            self._is_sorted = False
        own[key_] = row
        return before

    def pop(self, key_: str) -> Row | None:
        return self._changed().pop(key_, None)

    def others(self, keys: set[str]) -> set[str]:
        """The keys that there are beside these."""
        return set(self._rows) - keys

    def in_order(self) -> Mapping[str, Row]:
        """By key, as MongoDB sorts them."""
        if self._own is None:
            return self._rows
        return self._own if self._is_sorted else dict(sorted(self._own.items()))

    def _changed(self) -> dict[str, Row]:
        if self._own is None:
            self._own = dict(self._rows)
        return self._own


def grouped(
    rules: Iterable[EarningRule], by: Callable[[EarningRule], str]
) -> dict[str, list[EarningRule]]:
    groups: defaultdict[str, list[EarningRule]] = defaultdict(list)
    for rule in rules:
        groups[by(rule)].append(rule)
    return dict(groups)


class DefinitionsReader:
    """Keeps the newest definitions that were asked for. Every change of a definition raises the
    revision in the same transaction, so a copy of the same revision is as good as the original.

    What it keeps a majority has committed. What a transaction reads beyond that is its own.
    """

    def __init__(self, store: Store, calendar: Calendar) -> None:
        self._store = store
        self._calendar = calendar
        self._kept: Definitions | None = None
        self._reading = asyncio.Lock()
        self._next: asyncio.Task[Definitions] | None = None

    @property
    def calendar(self) -> Calendar:
        """The project's."""
        return self._calendar

    @property
    def kept(self) -> Definitions | None:
        """The newest that were asked for; there may be newer ones."""
        return self._kept

    async def now(self) -> Definitions:
        """The newest. Calls that come while a read is under way share the next one."""
        if self._next is None:
            # In a context of its own: the deadline of one of the callers is not the others'.
            self._next = asyncio.create_task(self._read_now(), context=Context())
            self._next.add_done_callback(_retrieve)
        return await asyncio.shield(self._next)

    async def _read_now(self) -> Definitions:
        async with self._reading:
            # Whoever calls from here on may know of a later commit.
            self._next = None
            return await self._read_until(await self._store.definitions.revision())

    async def parse(self, wire: Wire, *path: str) -> Filter:
        """The tree of a filter that nobody has saved yet."""
        definitions = await self.now()
        await definitions.parse_inside(wire)
        return parse(wire, definitions.catalog, *path)

    async def at_least(self, revision: int) -> Definitions:
        """The definitions as of that revision, or of a later one."""
        if self._kept is not None and self._kept.revision >= revision:
            return self._kept
        async with self._reading:
            return await self._read_until(revision)

    async def in_snapshot(self, transaction: Transaction) -> Definitions:
        """The definitions in the snapshot that the transaction reads, or later ones. Who changes
        them meanwhile is not held up: only a transaction that began before a change was committed
        goes by older definitions."""
        return await self.at_least(await self._store.revision(REVISION, transaction))

    async def held_still(self, transaction: Transaction) -> Definitions:
        """The definitions, of which none changes before the transaction has ended. What it changes
        of them makes the next revision."""
        async with self._reading:
            # Read before others wait for it.
            kept = await self._read_on()
        revision = await self._store.fence(REVISION, transaction) - 1
        if revision <= kept.revision:
            return kept
        changes = await self._store.definitions.changes(kept.version, transaction)
        return await kept.after(changes, revision)

    async def _read_until(self, revision: int) -> Definitions:
        kept = self._kept
        # A new primary may come to know late what the old one told a majority.
        wait = Backoff(0.01, 0.5)
        while kept is None or kept.revision < revision:
            kept = await self._read_on()
            if kept.revision < revision:
                await wait.wait()
        return kept

    async def _read_on(self) -> Definitions:
        """Reads what changed since the definitions that are kept, and keeps the result."""
        kept = self._kept
        changes = await self._store.definitions.changes(kept.version if kept else None)
        if kept is None or changes.version.revision > kept.revision:
            base = kept or Definitions(Version(0, 0), Metadata(self._calendar))
            self._kept = kept = await base.after(changes)
            _heap.grown_to(len(kept.segments))
        return kept


def _retrieve(task: asyncio.Task[Definitions]) -> None:
    """Looks at an error whose callers have all been cancelled, so that asyncio does not report
    that nobody did."""
    if not task.cancelled():
        task.exception()
