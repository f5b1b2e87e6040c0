"""What uses a segment; and which filters use a key of metadata, and whether they could if it were
defined anew."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from app.domain.loyalty import EarningRule, ProportionalPoints, may_hold_number
from app.domain.metadata import KeyDefinition
from app.domain.segments import Segment, SegmentKind
from app.errors import InputError, UserErrorCode, input_error
from app.filters import Catalog, MetadataType, parse
from app.services.definitions import Definitions

_MOST_NAMES = 100


class UseKind(Enum):
    """What it is that uses a segment."""

    VALIDATION_RULE = "VALIDATION_RULE"
    DISTRIBUTION = "DISTRIBUTION"
    EARNING_RULE = "EARNING_RULE"
    REFERRAL_TIER = "REFERRAL_TIER"
    SEGMENT = "SEGMENT"


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that uses a segment."""

    kind: UseKind
    id: str
    name: str


def uses_of(segment: Segment, current: Definitions) -> list[Use]:
    """Everything that uses the segment."""
    users = [
        Use(UseKind.SEGMENT, user.id, user.name) for user in current.segments_using(segment.id)
    ]
    rules = [
        Use(UseKind.EARNING_RULE, rule.id, rule.name)
        for rule in current.rules_for_segment(segment.id)
    ]
    return users + rules


def require_unused(segment: Segment, current: Definitions) -> None:
    """Refused where something uses the segment."""
    if uses := uses_of(segment, current):
        named = ", ".join(
            f"the {use.kind.value.lower().replace('_', ' ')} {use.name!r}"
            for use in uses[:_MOST_NAMES]
        )
        more = f" and {len(uses) - _MOST_NAMES:,} more" if len(uses) > _MOST_NAMES else ""
        message = f"The segment is used by {named}{more}; edit or delete those first."
        raise input_error(UserErrorCode.SEGMENT_IN_USE, message, "id")


async def unfit_users(wanted: KeyDefinition, current: Definitions) -> str | None:
    """A sentence that names the segments whose filters do not fit the definition, or the earning
    rules."""
    type_ = MetadataType(wanted.type, wanted.is_array, wanted.label)
    catalog = replace(current.catalog, metadata={**current.catalog.metadata, wanted.key: type_})
    unfit = []
    for segment in current.segments_using_key(wanted.key):
        await current.parse_nested(segment.filter)
        await current.time_slice.yield_when_spent()
        if not _can_be_parsed(segment.filter or {}, catalog):
            unfit.append(segment)
    unable = f"{wanted.key} can't be {'a list of ' * wanted.is_array}{wanted.type.value}:"
    if unfit:
        return (
            f"{unable} an operator or value does not fit it in the filters of {_names(unfit)};"
            " edit those first."
        )
    rules = list(_unfit_rules(wanted.key, catalog, current.earning_rules.values()))
    if rules:
        return f"{unable} the earning rules {_names(rules)} count by it; delete those first."
    return None


def _unfit_rules(key: str, catalog: Catalog, rules: Iterable[EarningRule]) -> Iterator[EarningRule]:
    """Those that take points of the key, where there would be no number."""
    for rule in rules:
        points = rule.points
        if isinstance(points, ProportionalPoints) and points.path.split(".")[1] == key:
            field = catalog.find_field(points.path)
            if field is None or not may_hold_number(field):
                yield rule


def active_users(wanted: KeyDefinition, current: Definitions) -> str | None:
    """A sentence that names the active segments which use the key at all, or rest on others that
    do."""
    direct = current.segments_using_key(wanted.key)
    outer = [segment for user in direct for segment in current.dependents_of(user.id)]
    resting = {segment.id: segment for segment in (*direct, *outer)}
    active = [segment for segment in resting.values() if segment.kind is SegmentKind.ACTIVE]
    if not active:
        return None
    return f"{wanted.key} can't change while active segments use it: {_names(active)}."


def _can_be_parsed(wire: Mapping[str, Any], catalog: Catalog) -> bool:
    try:
        parse(wire, catalog)
    except InputError:
        return False
    return True


def _names(users: Iterable[Segment | EarningRule]) -> str:
    names = [repr(user.name) for user in users]
    more = len(names) - _MOST_NAMES
    listed = ", ".join(names[:_MOST_NAMES])
    return listed if more <= 0 else f"{listed} and {more:,} more"
