"""All definitions of the project in memory: segments, metadata definitions, earning rules and
validation rules, referral programs, distributions.

A new version is built from the changes since another one, and shares with it the parsed filters
that the changes do not affect.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from app.domain.distributions import Distribution
from app.domain.json_values import is_same_value
from app.domain.loyalty import EarningRule
from app.domain.metadata import KeyDefinition, MetadataSchema
from app.domain.referrals import PointsReward, ReferralProgram, ReferralTier
from app.domain.segments import Segment
from app.domain.uses import Use, UseKind, UsingDefinition, uses_in
from app.domain.validation_rules import ValidationRule
from app.filters import Catalog, Filter, MetadataType, parse
from app.filters.filter_json import FilterJson
from app.filters.parse import referenced_segment_ids
from app.filters.tree import Measure, NestedSegment
from app.services.copy_on_write import CopyOnWriteMapping
from app.services.dependencies import Dependencies
from app.services.parsed_filters import ParsedFilters, static_member_filter
from app.services.rule_filters import RuleFilter, RuleFilters
from app.services.segment_measures import SegmentMeasures
from app.store.definitions import DefinitionsDelta, DefinitionsVersion
from app.time_slice import TimeSlice
from app.worker_threads import run_in_thread_if_large


@dataclass(frozen=True)
class Definitions:
    """All definitions as of one version. Immutable, except that filters are parsed when they are
    first needed."""

    version: DefinitionsVersion
    metadata_schema: MetadataSchema
    segments: Mapping[str, Segment] = field(default_factory=dict)
    earning_rules: Mapping[str, EarningRule] = field(default_factory=dict)
    validation_rules: Mapping[str, ValidationRule] = field(default_factory=dict)
    referral_programs: Mapping[str, ReferralProgram] = field(default_factory=dict)
    distributions: Mapping[str, Distribution] = field(default_factory=dict)
    dependencies: Dependencies = field(default_factory=Dependencies)
    time_slice: TimeSlice = field(default_factory=TimeSlice)
    _filter_types: Mapping[str, MetadataType] = field(default_factory=dict)
    _parsed_filters: ParsedFilters = field(default_factory=ParsedFilters)
    _measures: SegmentMeasures = field(default_factory=SegmentMeasures)
    _rule_filters: RuleFilters = field(default_factory=RuleFilters)

    @property
    def revision(self) -> int:
        return self.version.revision

    @property
    def catalog(self) -> Catalog:
        """What filters may name. Not cached: a reference cycle would keep old versions alive."""
        return Catalog(self._filter_types, self.nested_segment)

    @property
    def input_catalog(self) -> Catalog:
        """What a filter that a client sends may name."""
        return replace(self.catalog, pending_date_keys=self.metadata_schema.pending_date_keys)

    def nested_segment(self, id_: str) -> NestedSegment | None:
        """Returns the segment with its parsed filter; None if there is no segment with this id."""
        cached = self._parsed_filters.get(id_)
        if cached is None and (segment := self.segments.get(id_)):
            cached = self._parsed_filters.add(
                NestedSegment(id_, segment.name, self._parse_segment(segment))
            )
        return cached

    def filter_tree(self, segment: Segment) -> Filter:
        """Returns the parsed filter of a segment; for a static one, a filter on its members."""
        current = self.segments.get(segment.id)
        if current is segment or current == segment:
            nested = self.nested_segment(segment.id)
            assert nested is not None
            return nested.tree
        # The segment is of another revision, so its filter must not enter this cache.
        return self._parse_segment(segment)

    async def load_filter_tree(self, segment: Segment) -> Filter:
        """Like `filter_tree`, but yields to the event loop between the filters that it parses."""
        await self.parse_segments([segment.id])
        return self.filter_tree(segment)

    def _parse_segment(self, segment: Segment) -> Filter:
        if segment.filter is None:
            return static_member_filter(segment.id)
        return parse(segment.filter, self.catalog)

    def rule_tree(self, rule: ValidationRule) -> Filter:
        """Returns the parsed filter of a validation rule."""
        if self.validation_rules.get(rule.id) == rule:
            return self._rule_filter(rule).tree
        # The rule is of another revision, so its filter must not enter this cache.
        return parse(rule.filter, self.catalog)

    def _rule_filter(self, rule: ValidationRule) -> RuleFilter:
        return self._rule_filters.get(rule.id) or self._rule_filters.add(
            rule.id, parse(rule.filter, self.catalog)
        )

    async def collect_rule_measures(self, rule_id: str) -> Sequence[Measure]:
        """Returns the distinct measures of a validation rule; none for an unknown one."""
        rule = self.validation_rules.get(rule_id)
        if rule is None:
            return ()
        await self.parse_nested(rule.filter)
        return self._rule_filter(rule).measures

    async def parse_segments(self, segment_ids: Iterable[str]) -> None:
        """Parses the segments that are not parsed yet, and yields to the event loop in between."""
        for id_ in segment_ids:
            if id_ not in self._parsed_filters and (segment := self.segments.get(id_)):
                await self.parse_nested(segment.filter)
                await self.time_slice.yield_when_spent()
                self.nested_segment(id_)

    async def parse_nested(self, filter_json: FilterJson | None) -> None:
        """Parses the segments that a filter names, and yields to the event loop in between."""
        await self.parse_segments(referenced_segment_ids(filter_json or {}))

    async def parse_input_filter(
        self, filter_json: FilterJson, *path: str, own_segment_id: str | None = None
    ) -> Filter:
        """Parses a filter that a client sends, for the segment `own_segment_id` if it is given.
        Raises InputError, with `path` before each problem's path, if it is invalid."""
        await self.parse_nested(filter_json)
        return await run_in_thread_if_large(
            parse, filter_json, self.input_catalog, *path, own_segment_id=own_segment_id
        )

    async def collect_measures(self, segment_ids: Collection[str] | None) -> Sequence[Measure]:
        """Returns the distinct measures of these segments, or of all segments if None."""
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

    def uses_of_pool(self, pool_id: str) -> list[Use]:
        """Everything that claims codes from the code pool, by kind and id."""
        return self.dependencies.uses_of_pool(pool_id)

    def segments_using_key(self, key: str) -> list[Segment]:
        """The segments whose own filters name the metadata key, by id."""
        uses = self.uses_of_key(key)
        return [self.segments[use.id] for use in uses if use.kind is UseKind.SEGMENT]

    def dependents_of(self, segment_id: str) -> list[Segment]:
        """The segments whose filters contain the segment at any depth, by id."""
        ids = self.dependencies.segments_containing([segment_id])
        return [self.segments[id_] for id_ in sorted(ids)]

    def validation_rules_containing(self, segment_id: str) -> list[ValidationRule]:
        """The validation rules whose filters contain the segment at any depth, by id."""
        ids = self.dependencies.validation_rules_containing([segment_id])
        return [self.validation_rules[id_] for id_ in sorted(ids)]

    def rules_of_program(self, program_id: str) -> list[EarningRule]:
        """The earning rules of a loyalty program."""
        return self._rules_by_program.get(program_id, [])

    @cached_property
    def _rules_by_program(self) -> dict[str, list[EarningRule]]:
        return group_rules(self.earning_rules.values(), lambda rule: rule.program_id)

    @cached_property
    def referral_tiers(self) -> dict[str, ReferralTier]:
        """The tiers of all referral programs, by id."""
        return {
            tier.id: tier for program in self.referral_programs.values() for tier in program.tiers
        }

    def tiers_rewarding_in(self, loyalty_program_id: str) -> list[ReferralTier]:
        """The referral tiers that give points in a loyalty program."""
        return [
            tier
            for tier in self.referral_tiers.values()
            if isinstance(tier.reward, PointsReward)
            and tier.reward.loyalty_program_id == loyalty_program_id
        ]

    def with_segment(self, segment: Segment) -> "Definitions":
        """Returns these definitions with the segment added or replaced."""
        builder = _DefinitionsBuilder(self)
        builder.put_segment(segment)
        return builder.build(self.version)

    def with_definition(self, definition: KeyDefinition) -> "Definitions":
        """Returns these definitions with the metadata definition added or replaced."""
        builder = _DefinitionsBuilder(self)
        builder.put_definition(definition)
        return builder.build(self.version)

    async def with_changes(
        self, changes: DefinitionsDelta, revision: int | None = None
    ) -> "Definitions":
        """Returns these definitions with the changes. `revision`, if given, overrides the revision
        of the changes."""
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
        for validation_rule in changes.validation_rules:
            builder.put_validation_rule(validation_rule)
        for id_ in changes.deleted_validation_rule_ids:
            builder.remove_validation_rule(id_)
        for program in changes.referral_programs:
            builder.put_program(program)
        for distribution in changes.distributions:
            builder.put_distribution(distribution)
        version = changes.version
        return builder.build(version if revision is None else version._replace(revision=revision))


class _DefinitionsBuilder:
    """Collects changes of definitions, and reuses the parts of the base that stay valid."""

    def __init__(self, base: Definitions) -> None:
        self._base = base
        self._segments = CopyOnWriteMapping(base.segments)
        self._rules = CopyOnWriteMapping(base.earning_rules)
        self._validation_rules = CopyOnWriteMapping(base.validation_rules)
        self._programs = CopyOnWriteMapping(base.referral_programs)
        self._distributions = CopyOnWriteMapping(base.distributions)
        self._definitions = CopyOnWriteMapping(base.metadata_schema.definitions)
        self._uses_by_user: dict[str, Sequence[Use]] = {}
        self._changed_segments: set[str] = set()
        self._changed_validation_rules: set[str] = set()
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
        """Removes the definitions that are missing in a delta that is complete."""
        for id_ in self._segments.keys_except({segment.id for segment in changes.segments}):
            self.remove_segment(id_)
        for key in self._definitions.keys_except(
            {definition.key for definition in changes.metadata_definitions}
        ):
            self._definitions.pop(key)
            self._changed_keys.add(key)
        for id_ in self._rules.keys_except({rule.id for rule in changes.earning_rules}):
            self.remove_rule(id_)
        for id_ in self._validation_rules.keys_except(
            {rule.id for rule in changes.validation_rules}
        ):
            self.remove_validation_rule(id_)
        for id_ in self._programs.keys_except(
            {program.id for program in changes.referral_programs}
        ):
            self.remove_program(id_)
        for id_ in self._distributions.keys_except(
            {distribution.id for distribution in changes.distributions}
        ):
            self.remove_distribution(id_)

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

    def put_validation_rule(self, rule: ValidationRule) -> None:
        self._validation_rules.put(rule.id, rule)
        self._changed_validation_rules.add(rule.id)
        self._put_uses(rule)

    def remove_validation_rule(self, id_: str) -> None:
        if self._validation_rules.pop(id_) is not None:
            self._changed_validation_rules.add(id_)
            self._uses_by_user[id_] = ()

    def put_program(self, program: ReferralProgram) -> None:
        if program.log_interval.through_sequence is None:
            self._programs.put(program.id, program)
            self._put_uses(program)
        else:
            self.remove_program(program.id)

    def remove_program(self, id_: str) -> None:
        if self._programs.pop(id_) is not None:
            self._uses_by_user[id_] = ()

    def put_distribution(self, distribution: Distribution) -> None:
        if distribution.is_deleted:
            self.remove_distribution(distribution.id)
        else:
            self._distributions.put(distribution.id, distribution)
            self._put_uses(distribution)

    def remove_distribution(self, id_: str) -> None:
        if self._distributions.pop(id_) is not None:
            self._uses_by_user[id_] = ()

    def _put_uses(self, definition: UsingDefinition) -> None:
        self._uses_by_user[definition.id] = tuple(uses_in(definition))

    def build(self, version: DefinitionsVersion) -> Definitions:
        dependencies = self._base.dependencies.with_changes(self._uses_by_user)
        # A parsed filter is outdated if its segment, a key that it names or a nested segment has
        # changed.
        outdated = set(self._changed_segments)
        for key in self._changed_keys:
            outdated.update(use.id for use in dependencies.uses_of_key(key))
        outdated |= dependencies.users_containing(outdated)
        outdated |= self._changed_validation_rules
        return Definitions(
            version,
            replace(self._base.metadata_schema, definitions=self._definitions.sorted_mapping()),
            self._segments.sorted_mapping(),
            self._rules.sorted_mapping(),
            self._validation_rules.sorted_mapping(),
            self._programs.sorted_mapping(),
            self._distributions.sorted_mapping(),
            dependencies,
            self._base.time_slice,
            self._filter_types(),
            self._base._parsed_filters.without(outdated),
            self._base._measures.without_segments(outdated),
            self._base._rule_filters.without(outdated),
        )

    def _filter_types(self) -> Mapping[str, MetadataType]:
        if not self._changed_keys:
            return self._base._filter_types
        definitions = self._definitions.sorted_mapping()
        types_by_key = {key: definition.filter_type for key, definition in definitions.items()}
        return {key: type_ for key, type_ in types_by_key.items() if type_}


def group_rules(
    rules: Iterable[EarningRule], key_of: Callable[[EarningRule], str]
) -> dict[str, list[EarningRule]]:
    groups: defaultdict[str, list[EarningRule]] = defaultdict(list)
    for rule in rules:
        groups[key_of(rule)].append(rule)
    return dict(groups)
