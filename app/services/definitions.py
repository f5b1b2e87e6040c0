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
from app.domain.ids import EntityKind
from app.domain.json_values import is_same_value
from app.domain.loyalty import EarningRule
from app.domain.metadata import KeyDefinition, MetadataSchema
from app.domain.segments import Segment
from app.domain.uses import Use, UseKind, UsingDefinition, uses_in
from app.filters import Calendar, Catalog, Filter, MetadataType, parse
from app.filters.parse import referenced_segment_ids
from app.filters.sources import static_member_source
from app.filters.tree import Measure, NestedSegment, StaticMemberCondition
from app.heap_freezer import HeapFreezer
from app.services.dependencies import Dependencies
from app.services.parsed_filters import ParsedFilters
from app.services.segment_measures import SegmentMeasures
from app.store import Store, Transaction
from app.store.definitions import DefinitionsDelta, DefinitionsVersion
from app.store.ids import to_object_id
from app.store.segments import DEFINITIONS_REVISION
from app.time_slice import TimeSlice

Wire = Mapping[str, Any]
Value = TypeVar("Value")

_heap = HeapFreezer()


@dataclass(frozen=True)
class Definitions:
    """All definitions as of one version. They do not change; filters are parsed as needed."""

    version: DefinitionsVersion
    metadata_schema: MetadataSchema
    segments: Mapping[str, Segment] = field(default_factory=dict)
    earning_rules: Mapping[str, EarningRule] = field(default_factory=dict)
    dependencies: Dependencies = field(default_factory=Dependencies)
    time_slice: TimeSlice = field(default_factory=TimeSlice)
    _filter_types: Mapping[str, MetadataType] = field(default_factory=dict)
    _parsed_filters: ParsedFilters = field(default_factory=ParsedFilters)
    _measures: SegmentMeasures = field(default_factory=SegmentMeasures)

    @property
    def revision(self) -> int:
        return self.version.revision

    @property
    def catalog(self) -> Catalog:
        """What filters may name. It is not kept here: the two would keep each other alive."""
        return Catalog(self._filter_types, self.nested_segment)

    def nested_segment(self, id_: str) -> NestedSegment | None:
        """The segment as it stands inside a filter, parsed when it is first asked for."""
        cached = self._parsed_filters.get(id_)
        if cached is None and (segment := self.segments.get(id_)):
            cached = self._parsed_filters.add(
                NestedSegment(id_, segment.name, self._parse_segment(segment))
            )
        return cached

    def filter_tree(self, segment: Segment) -> Filter:
        """Whom the segment holds of: its filter, or where it is static its list."""
        current = self.segments.get(segment.id)
        if current is segment or current == segment:
            nested = self.nested_segment(segment.id)
            assert nested is not None
            return nested.tree
        # It was read before or after these definitions: what it says is not to be kept.
        return self._parse_segment(segment)

    def _parse_segment(self, segment: Segment) -> Filter:
        if segment.filter is None:
            return StaticMemberCondition(
                Measure(
                    static_member_source(segment.id, to_object_id(EntityKind.SEGMENT, segment.id))
                )
            )
        return parse(segment.filter, self.catalog)

    async def parse_segments(self, segment_ids: Iterable[str]) -> None:
        """Parses those of the segments that are not parsed yet, without holding the event loop."""
        for id_ in segment_ids:
            if id_ not in self._parsed_filters and (segment := self.segments.get(id_)):
                await self.parse_nested(segment.filter)
                await self.time_slice.yield_when_spent()
                self.nested_segment(id_)

    async def parse_nested(self, wire: Wire | None) -> None:
        """Parses the segments inside a filter, without holding the event loop."""
        await self.parse_segments(referenced_segment_ids(wire or {}))

    async def collect_measures(self, segment_ids: Collection[str] | None) -> Sequence[Measure]:
        """Every measure that memberships in the segments need; in all of them, where None."""
        if segment_ids is None:
            await self._collect_measures(self._measures.missing_segment_ids(self.segments))
            return self._measures.all()
        await self._collect_measures(segment_ids)
        required: dict[Measure, None] = {}
        for id_ in segment_ids:
            if nested := self.nested_segment(id_):
                required.update(dict.fromkeys(self._measures.measures_of(id_, nested.tree)))
        return list(required)

    async def _collect_measures(self, segment_ids: Collection[str]) -> None:
        await self.parse_segments(segment_ids)
        for id_ in segment_ids:
            if nested := self.nested_segment(id_):
                await self.time_slice.yield_when_spent()
                self._measures.measures_of(id_, nested.tree)

    def uses_of_segment(self, segment_id: str) -> list[Use]:
        """Everything that uses the segment: segments first, then the other kinds, each by id."""
        return self.dependencies.uses_of_segment(segment_id)

    def uses_of_key(self, key: str) -> list[Use]:
        """Everything that uses the metadata key: segments first, then the others, each by id."""
        return self.dependencies.uses_of_key(key)

    def segments_using(self, segment_id: str) -> list[Segment]:
        """The segments whose own filters name the segment, by id."""
        return self._using_segments(self.uses_of_segment(segment_id))

    def segments_using_key(self, key: str) -> list[Segment]:
        """The segments whose own filters name the metadata key, by id."""
        return self._using_segments(self.uses_of_key(key))

    def _using_segments(self, uses: Iterable[Use]) -> list[Segment]:
        return [self.segments[use.id] for use in uses if use.kind is UseKind.SEGMENT]

    def dependents_of(self, segment_id: str) -> list[Segment]:
        """The segments whose filters contain the segment at any depth, by id."""
        ids = self.dependencies.segments_containing([segment_id])
        return [self.segments[id_] for id_ in sorted(ids)]

    def rules_of_program(self, program_id: str) -> list[EarningRule]:
        """The earning rules of a loyalty program."""
        return self._rules_by_program.get(program_id, [])

    @cached_property
    def _rules_by_program(self) -> dict[str, list[EarningRule]]:
        return group_rules(self.earning_rules.values(), lambda rule: rule.program_id)

    def with_segment(self, segment: Segment) -> "Definitions":
        """The same with the segment in the place of what it was."""
        builder = _DefinitionsBuilder(self)
        builder.put_segment(segment)
        return builder.build(self.version)

    def with_definition(self, definition: KeyDefinition) -> "Definitions":
        """The same with the key of metadata defined like this."""
        builder = _DefinitionsBuilder(self)
        builder.put_definition(definition)
        return builder.build(self.version)

    async def with_changes(
        self, changes: DefinitionsDelta, revision: int | None = None
    ) -> "Definitions":
        """These with the changes applied; `revision`, where given, takes the place of theirs."""
        builder = _DefinitionsBuilder(self)
        if changes.is_complete:
            builder.retain(changes)
        for definition in changes.metadata_definitions:
            builder.put_definition(definition)
        for segment in changes.segments:
            await self.time_slice.yield_when_spent()
            builder.put_segment(segment)
        for id_ in changes.deleted_segment_ids:
            builder.remove_segment(id_)
        for rule in changes.earning_rules:
            builder.put_rule(rule)
        version = changes.version
        return builder.build(version if revision is None else version._replace(revision=revision))


class _DefinitionsBuilder:
    """Collects changes of definitions, and keeps of the base what they do not touch."""

    def __init__(self, base: Definitions) -> None:
        self._base = base
        self._segments = _CopyOnWriteMapping(base.segments)
        self._rules = _CopyOnWriteMapping(base.earning_rules)
        self._definitions = _CopyOnWriteMapping(base.metadata_schema.definitions)
        self._uses_by_user: dict[str, Sequence[Use]] = {}
        self._changed_segments: set[str] = set()
        self._changed_keys: set[str] = set()

    def put_segment(self, segment: Segment) -> None:
        previous = self._segments.put(segment.id, segment)
        is_filter_unchanged = previous is not None and is_same_value(
            previous.filter, segment.filter
        )
        if previous is None or previous.name != segment.name or not is_filter_unchanged:
            self._changed_segments.add(segment.id)
            self._put_uses(segment)

    def remove_segment(self, id_: str) -> None:
        if self._segments.pop(id_) is not None:
            self._changed_segments.add(id_)
            self._uses_by_user[id_] = ()

    def retain(self, changes: DefinitionsDelta) -> None:
        """Removes what complete changes do not contain."""
        for id_ in self._segments.keys_except({segment.id for segment in changes.segments}):
            self.remove_segment(id_)
        for key_ in self._definitions.keys_except(
            {definition.key for definition in changes.metadata_definitions}
        ):
            self._definitions.pop(key_)
            self._changed_keys.add(key_)
        for id_ in self._rules.keys_except({rule.id for rule in changes.earning_rules}):
            self.remove_rule(id_)

    def put_definition(self, definition: KeyDefinition) -> None:
        previous = self._definitions.put(definition.key, definition)
        if (previous and previous.filter_type) != definition.filter_type:
            self._changed_keys.add(definition.key)

    def put_rule(self, rule: EarningRule) -> None:
        if rule.log_interval.through_sequence is None:
            self._rules.put(rule.id, rule)
            self._put_uses(rule)
        else:
            self.remove_rule(rule.id)

    def remove_rule(self, id_: str) -> None:
        if self._rules.pop(id_) is not None:
            self._uses_by_user[id_] = ()

    def _put_uses(self, definition: UsingDefinition) -> None:
        self._uses_by_user[definition.id] = tuple(uses_in(definition))

    def build(self, version: DefinitionsVersion) -> Definitions:
        dependencies = self._base.dependencies.with_changes(self._uses_by_user)
        # Trees are others now by a filter or name, by the type of a key, by a segment inside.
        outdated = set(self._changed_segments)
        for key_ in self._changed_keys:
            outdated.update(use.id for use in dependencies.uses_of_key(key_))
        outdated |= dependencies.segments_containing(outdated)
        return Definitions(
            version,
            replace(self._base.metadata_schema, definitions=self._definitions.sorted_mapping()),
            self._segments.sorted_mapping(),
            self._rules.sorted_mapping(),
            dependencies,
            self._base.time_slice,
            self._filter_types(),
            self._base._parsed_filters.without(outdated),
            self._base._measures.without_segments(outdated),
        )

    def _filter_types(self) -> Mapping[str, MetadataType]:
        if not self._changed_keys:
            return self._base._filter_types
        definitions = self._definitions.sorted_mapping()
        types_by_key = {key_: definition.filter_type for key_, definition in definitions.items()}
        return {key_: type_ for key_, type_ in types_by_key.items() if type_}


class _CopyOnWriteMapping(Generic[Value]):
    """Rows by key, copied when the first of them changes."""

    def __init__(self, rows: Mapping[str, Value]) -> None:
        self._rows = rows
        self._copy: dict[str, Value] | None = None
        self._is_sorted = True

    def put(self, key_: str, row: Value) -> Value | None:
        """What the row takes the place of."""
        copy = self._writable_copy()
        previous = copy.get(key_)
        if previous is None and copy and key_ < next(reversed(copy)):
            self._is_sorted = False
        copy[key_] = row
        return previous

    def pop(self, key_: str) -> Value | None:
        return self._writable_copy().pop(key_, None)

    def keys_except(self, keys: set[str]) -> set[str]:
        """The keys that there are beside these."""
        return set(self._rows) - keys

    def sorted_mapping(self) -> Mapping[str, Value]:
        """By key, as MongoDB sorts them."""
        if self._copy is None:
            return self._rows
        return self._copy if self._is_sorted else dict(sorted(self._copy.items()))

    def _writable_copy(self) -> dict[str, Value]:
        if self._copy is None:
            self._copy = dict(self._rows)
        return self._copy


def group_rules(
    rules: Iterable[EarningRule], key_of: Callable[[EarningRule], str]
) -> dict[str, list[EarningRule]]:
    groups: defaultdict[str, list[EarningRule]] = defaultdict(list)
    for rule in rules:
        groups[key_of(rule)].append(rule)
    return dict(groups)


class DefinitionsReader:
    """Keeps the newest definitions that were asked for. Every change of a definition raises the
    revision in the same transaction, so a copy of the same revision is as good as the original.

    What it keeps a majority has committed. What a transaction reads beyond that is its own.
    """

    def __init__(self, store: Store, calendar: Calendar) -> None:
        self._store = store
        self._calendar = calendar
        self._cached: Definitions | None = None
        self._read_lock = asyncio.Lock()
        self._pending_read: asyncio.Task[Definitions] | None = None

    @property
    def calendar(self) -> Calendar:
        """The project's."""
        return self._calendar

    @property
    def cached(self) -> Definitions | None:
        """The newest that were asked for; there may be newer ones."""
        return self._cached

    async def latest(self) -> Definitions:
        """The newest. Calls that come while a read is under way share the next one."""
        if self._pending_read is None:
            # In a context of its own: the deadline of one of the callers is not the others'.
            self._pending_read = asyncio.create_task(self._read_latest(), context=Context())
            self._pending_read.add_done_callback(_consume_exception)
        return await asyncio.shield(self._pending_read)

    async def _read_latest(self) -> Definitions:
        async with self._read_lock:
            # Whoever calls from here on may know of a later commit.
            self._pending_read = None
            return await self._read_until(await self._store.definitions.read_revision())

    async def parse_filter(self, wire: Wire, *path: str) -> Filter:
        """The tree of a filter that nobody has saved yet."""
        definitions = await self.latest()
        await definitions.parse_nested(wire)
        return parse(wire, definitions.catalog, *path)

    async def at_least(self, revision: int) -> Definitions:
        """The definitions as of that revision, or of a later one."""
        if self._cached is not None and self._cached.revision >= revision:
            return self._cached
        async with self._read_lock:
            return await self._read_until(revision)

    async def in_snapshot(self, transaction: Transaction) -> Definitions:
        """The definitions in the snapshot that the transaction reads, or later ones. Who changes
        them meanwhile is not held up: only a transaction that began before a change was committed
        goes by older definitions."""
        return await self.at_least(
            await self._store.read_revision(DEFINITIONS_REVISION, transaction)
        )

    async def lock(self, transaction: Transaction) -> Definitions:
        """The definitions, of which none changes before the transaction has ended. What it changes
        of them makes the next revision."""
        async with self._read_lock:
            # Read before others wait for it.
            cached = await self._read_changes()
        revision = await self._store.increment_revision(DEFINITIONS_REVISION, transaction) - 1
        if revision <= cached.revision:
            return cached
        changes = await self._store.definitions.read_delta(cached.version, transaction)
        return await cached.with_changes(changes, revision)

    async def _read_until(self, revision: int) -> Definitions:
        cached = self._cached
        # A new primary may come to know late what the old one told a majority.
        backoff = Backoff(0.01, 0.5)
        while cached is None or cached.revision < revision:
            cached = await self._read_changes()
            if cached.revision < revision:
                await backoff.wait()
        return cached

    async def _read_changes(self) -> Definitions:
        """Reads what changed since the definitions that are kept, and keeps the result."""
        cached = self._cached
        changes = await self._store.definitions.read_delta(cached.version if cached else None)
        if cached is None or changes.version.revision > cached.revision:
            base = cached or Definitions(DefinitionsVersion(0, 0), MetadataSchema(self._calendar))
            self._cached = cached = await base.with_changes(changes)
            _heap.freeze_if_grown(len(cached.segments))
        return cached


def _consume_exception(task: asyncio.Task[Definitions]) -> None:
    """Looks at an error whose callers have all been cancelled, so that asyncio does not report
    that nobody did."""
    if not task.cancelled():
        task.exception()
