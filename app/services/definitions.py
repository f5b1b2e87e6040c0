"""What filters rest on: segments and the metadata's types, parsed once; and what uses segments.

A process reads what changed since the revision it knows, and keeps the trees that the changes do
not touch.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

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
from app.services.dependencies import Dependencies
from app.services.measures import Measures
from app.store import Store, Transaction
from app.store.definitions import Changes, Version
from app.store.ids import key
from app.store.segments import REVISION
from app.time_slice import TimeSlice

Wire = Mapping[str, Any]
Item = TypeVar("Item")


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
    _nested: dict[str, Nested] = field(default_factory=dict)
    _measures: Measures = field(default_factory=Measures)

    @property
    def revision(self) -> int:
        return self.version.revision

    @cached_property
    def catalog(self) -> Catalog:
        return Catalog(self._types, self.nested)

    def nested(self, id_: str) -> Nested | None:
        """The segment as it stands inside a filter, parsed when it is first asked for."""
        segment = self.segments.get(id_)
        if segment is None:
            return None
        if id_ not in self._nested:
            self._nested[id_] = Nested(id_, segment.name, self._parsed(segment))
        return self._nested[id_]

    def tree(self, segment: Segment) -> Filter:
        """Whom the segment holds of: its filter, or where it is static its list."""
        nested = self.nested(segment.id)
        if nested is None or self.segments[segment.id] != segment:
            # It was read before or after these definitions: what it says is not to be kept.
            return self._parsed(segment)
        return nested.tree

    def _parsed(self, segment: Segment) -> Filter:
        if segment.filter is None:
            return Listed(Measure(listing(segment.id, key(Kind.SEGMENT, segment.id))))
        return parse(segment.filter, self.catalog)

    async def parse_segments(self, segment_ids: Iterable[str]) -> None:
        """Parses those of the segments that are not parsed yet, without holding the event loop."""
        for id_ in segment_ids:
            if id_ not in self._nested and (segment := self.segments.get(id_)):
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
        self._segments = dict(base.segments)
        self._rules = dict(base.earning_rules)
        self._definitions = dict(base.metadata.definitions)
        self._dependencies = base.dependencies.copy()
        self._changed_segments: set[str] = set()
        self._changed_keys: set[str] = set()

    def put_segment(self, segment: Segment) -> None:
        before = self._segments.get(segment.id)
        self._segments[segment.id] = segment
        asks_the_same = before is not None and same(before.filter, segment.filter)
        if before is None or before.name != segment.name or not asks_the_same:
            self._changed_segments.add(segment.id)
        if not asks_the_same:
            if before is not None:
                self._dependencies.remove(before)
            self._dependencies.add(segment)

    def remove_segment(self, id_: str) -> None:
        before = self._segments.pop(id_, None)
        if before is not None:
            self._changed_segments.add(id_)
            self._dependencies.remove(before)

    def retain(self, changes: Changes) -> None:
        """Removes what complete changes do not contain."""
        for id_ in self._segments.keys() - {segment.id for segment in changes.segments}:
            self.remove_segment(id_)
        for key_ in self._definitions.keys() - {each.key for each in changes.metadata}:
            del self._definitions[key_]
            self._changed_keys.add(key_)
        for id_ in self._rules.keys() - {rule.id for rule in changes.earning_rules}:
            del self._rules[id_]

    def put_definition(self, definition: Definition) -> None:
        before = self._definitions.get(definition.key)
        self._definitions[definition.key] = definition
        if (before and before.known_to_filters) != definition.known_to_filters:
            self._changed_keys.add(definition.key)

    def put_rule(self, rule: EarningRule) -> None:
        if rule.until is None:
            self._rules[rule.id] = rule
        else:
            self._rules.pop(rule.id, None)

    def build(self, version: Version) -> Definitions:
        outdated = self._outdated()
        nested = self._base._nested
        return Definitions(
            version,
            replace(self._base.metadata, definitions=_in_order(self._definitions)),
            _in_order(self._segments),
            _in_order(self._rules),
            self._dependencies,
            self._base.time_slice,
            self._types(),
            {id_: nested[id_] for id_ in nested if id_ not in outdated},
            self._base._measures.without(outdated),
        )

    def _outdated(self) -> set[str]:
        """The segments whose trees are others now: by their own filter or name, by the type of a
        key, or by a segment inside them."""
        direct = set(self._changed_segments)
        for key_ in self._changed_keys:
            direct.update(self._dependencies.on_key(key_))
        return direct | self._dependencies.above(direct)

    def _types(self) -> Mapping[str, MetadataType]:
        if not self._changed_keys:
            return self._base._types
        types = dict(self._base._types)
        for key_ in self._changed_keys:
            definition = self._definitions.get(key_)
            if definition and (known := definition.known_to_filters):
                types[key_] = known
            else:
                types.pop(key_, None)
        return types


def _in_order(items: dict[str, Item]) -> dict[str, Item]:
    """The same by id, as MongoDB would sort them."""
    keys = list(items)
    in_order = sorted(keys)
    return items if keys == in_order else {key_: items[key_] for key_ in in_order}


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

    @property
    def calendar(self) -> Calendar:
        """The project's."""
        return self._calendar

    @property
    def kept(self) -> Definitions | None:
        """The newest that were asked for; there may be newer ones."""
        return self._kept

    async def now(self) -> Definitions:
        return await self.at_least(await self._store.definitions.revision())

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
            # A new primary may come to know late what the old one told a majority.
            wait = Backoff(0.01, 0.5)
            while self._kept is None or self._kept.revision < revision:
                kept = await self._read_on()
                if kept.revision < revision:
                    await wait.wait()
            return self._kept

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

    async def _read_on(self) -> Definitions:
        """Reads what changed since the definitions that are kept, and keeps the result."""
        kept = self._kept
        changes = await self._store.definitions.changes(kept.version if kept else None)
        if kept is None or changes.version.revision > kept.revision:
            base = kept or Definitions(Version(0, 0), Metadata(self._calendar))
            self._kept = kept = await base.after(changes)
        return kept
