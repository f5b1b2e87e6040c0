"""What filters rest on, parsed once for each revision: segments and the metadata's types; and what
uses segments."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from app.domain.ids import Kind
from app.domain.loyalty import EarningRule
from app.domain.metadata import Definition, Metadata, metadata
from app.domain.segments import Segment
from app.filters import Calendar, Catalog, Filter, parse
from app.filters.parse import segments_named
from app.filters.sources import listing
from app.filters.tree import Listed, Measure, Nested
from app.filters.walk import measures
from app.store import Store, Transaction
from app.store.ids import key
from app.store.segments import REVISION

Wire = Mapping[str, Any]


@dataclass(frozen=True)
class Definitions:
    """All definitions as of one revision."""

    revision: int
    metadata: Metadata
    segments: Mapping[str, Segment]
    earning_rules: Mapping[str, EarningRule]
    _nested: dict[str, Nested] = field(default_factory=dict)

    @cached_property
    def catalog(self) -> Catalog:
        return replace(self.metadata.catalog(), segment=self.nested)

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

    def measures(self, segment_ids: Iterable[str] | None) -> list[Measure]:
        """Every measure that memberships in the segments need; in all of them, where None."""
        if segment_ids is None:
            return self._all_measures
        found: dict[Measure, None] = {}
        for id_ in segment_ids:
            if nested := self.nested(id_):
                found.update(dict.fromkeys(measures(nested.tree)))
        return list(found)

    @cached_property
    def _all_measures(self) -> list[Measure]:
        return self.measures(self.segments)

    def users(self, segment_id: str) -> list[Segment]:
        """The segments whose filters name the segment."""
        return [self.segments[id_] for id_ in self._users.get(segment_id, ())]

    def resting_on(self, segment_id: str) -> list[Segment]:
        """The segments that have the segment inside them, at any depth."""
        found: dict[str, Segment] = {}
        waiting = self.users(segment_id)
        while waiting:
            segment = waiting.pop()
            if segment.id not in found:
                found[segment.id] = segment
                waiting += self.users(segment.id)
        return list(found.values())

    @cached_property
    def _users(self) -> dict[str, list[str]]:
        users: defaultdict[str, list[str]] = defaultdict(list)
        for segment in self.segments.values():
            for named in set(segments_named(segment.filter or {})):
                users[named].append(segment.id)
        return users

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
        segments = {**self.segments, segment.id: segment}
        return Definitions(self.revision, self.metadata, segments, self.earning_rules)

    def defined(self, definition: Definition) -> "Definitions":
        """The same with the key of metadata defined like this."""
        known = {**self.metadata.definitions, definition.key: definition}
        metadata = replace(self.metadata, definitions=known)
        return Definitions(self.revision, metadata, self.segments, self.earning_rules)


def grouped(
    rules: Iterable[EarningRule], by: Callable[[EarningRule], str]
) -> dict[str, list[EarningRule]]:
    groups: defaultdict[str, list[EarningRule]] = defaultdict(list)
    for rule in rules:
        groups[by(rule)].append(rule)
    return dict(groups)


class DefinitionsReader:
    """Keeps the newest definitions that were asked for. Every change of a definition raises the
    revision in the same transaction, so a copy of the same revision is as good as the original."""

    def __init__(self, store: Store, calendar: Calendar) -> None:
        self._store = store
        self._calendar = calendar
        self._kept: Definitions | None = None

    @property
    def calendar(self) -> Calendar:
        """The project's."""
        return self._calendar

    @property
    def kept(self) -> Definitions | None:
        """The newest that were asked for; there may be newer ones."""
        return self._kept

    async def now(self) -> Definitions:
        return await self.at_least(await self._store.segments.revision())

    async def parse(self, wire: Wire, *path: str) -> Filter:
        """The tree of a filter that nobody has saved yet."""
        return parse(wire, (await self.now()).catalog, *path)

    async def at_least(self, revision: int) -> Definitions:
        """The definitions as of that revision, or of a later one."""
        kept = self._kept
        if kept is None or kept.revision < revision:
            kept = await self._read()
            self._kept = kept
        return kept

    async def in_snapshot(self, transaction: Transaction) -> Definitions:
        """The definitions in the snapshot that the transaction reads, or later ones. Who changes
        them meanwhile is not held up: only a transaction that began before a change was committed
        goes by older definitions."""
        return await self.at_least(await self._store.revision(REVISION, transaction))

    async def held_still(self, transaction: Transaction) -> Definitions:
        """The definitions, of which none changes before the transaction has ended. What it changes
        of them makes the next revision."""
        return await self.at_least(await self._store.fence(REVISION, transaction) - 1)

    async def _read(self) -> Definitions:
        while True:
            revision = await self._store.segments.revision()
            segments = {segment.id: segment for segment in await self._store.segments.all()}
            defined = metadata(self._calendar, await self._store.metadata.all())
            rules = {rule.id: rule for rule in await self._store.earning_rules.live()}
            if revision == await self._store.segments.revision():
                return Definitions(revision, defined, segments, rules)
