"""What uses segments, metadata keys and code pools: lists the uses of every definition.

The index of uses (app/services/dependencies.py), the checks before a segment is deleted and the
checks before a metadata key changes its type all read these uses. To register another kind of user
(distributions, referral tiers), add a case to `uses_in`. If it names metadata
keys, add a check to `_KEY_CHECKS` in app/services/uses.py.
"""

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from app.domain.distributions import Distribution
from app.domain.loyalty import EarningRule, ProportionalPoints
from app.domain.segments import Segment
from app.domain.validation_rules import ValidationRule
from app.filters.filter_json import FilterJson
from app.filters.parse import referenced_metadata_keys, referenced_segment_ids

UsingDefinition = Segment | EarningRule | Distribution | ValidationRule


class UseKind(Enum):
    """The kind of definition that uses a segment."""

    VALIDATION_RULE = "VALIDATION_RULE"
    DISTRIBUTION = "DISTRIBUTION"
    EARNING_RULE = "EARNING_RULE"
    REFERRAL_TIER = "REFERRAL_TIER"
    SEGMENT = "SEGMENT"


class Use(NamedTuple):
    """One definition that uses at most one segment, at most one code pool, and metadata keys.

    `kind`, `id` and `name` identify the user. `segment_id` is None if this use is of keys only.
    `keys` are the metadata keys that the user itself names; the keys of the used segment's filter
    do not count. `pool_id` is the code pool that the user claims codes from. `activates` tells
    whether the user needs the transitions of the segment, so that the segment must be active.
    """

    kind: UseKind
    id: str
    name: str
    segment_id: str | None = None
    keys: frozenset[str] = frozenset()
    pool_id: str | None = None
    activates: bool = False


def uses_in(definition: UsingDefinition) -> Iterator[Use]:
    """Yields the uses of one definition. A user of several segments has one use for each."""
    match definition:
        case Segment():
            yield from _uses_in_filter(UseKind.SEGMENT, definition, definition.filter or {})
        case ValidationRule():
            yield from _uses_in_filter(UseKind.VALIDATION_RULE, definition, definition.filter)
        case EarningRule():
            yield _use_in_earning_rule(definition)
        case Distribution():
            yield _use_in_distribution(definition)


def _uses_in_filter(
    kind: UseKind, user: Segment | ValidationRule, filter_json: FilterJson
) -> Iterator[Use]:
    for segment_id in dict.fromkeys(referenced_segment_ids(filter_json)):
        yield Use(kind, user.id, user.name, segment_id)
    if keys := frozenset(referenced_metadata_keys(filter_json)):
        yield Use(kind, user.id, user.name, keys=keys)


def _use_in_earning_rule(rule: EarningRule) -> Use:
    points = rule.points
    keys = {points.metadata_key} if isinstance(points, ProportionalPoints) else set[str]()
    return Use(
        UseKind.EARNING_RULE, rule.id, rule.name, rule.segment_id, frozenset(keys), activates=True
    )


def _use_in_distribution(distribution: Distribution) -> Use:
    return Use(
        UseKind.DISTRIBUTION,
        distribution.id,
        distribution.name,
        distribution.segment_id,
        pool_id=distribution.code_pool_id,
        activates=True,
    )
