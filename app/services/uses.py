"""What depends on a segment or a metadata key, and what prevents a change of either."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from app.domain.loyalty import ProportionalPoints, may_hold_number
from app.domain.metadata import KeyDefinition
from app.domain.segments import Segment, SegmentKind
from app.domain.uses import Use, UseKind
from app.errors import InputError, UserErrorCode, input_error
from app.filters import Catalog, MetadataType, parse
from app.services.definitions import Definitions

_MAX_LISTED_NAMES = 100


def require_unused(segment: Segment, current: Definitions) -> None:
    """Raises SEGMENT_IN_USE if anything uses the segment."""
    if uses := current.uses_of_segment(segment.id):
        users = list_names(map(_describe_use, uses))
        message = f"The segment is used by {users}; edit or delete those first."
        raise input_error(UserErrorCode.SEGMENT_IN_USE, message, "id")


def require_pool_unused(uses: Iterable[Use]) -> None:
    """Raises INVALID if anything uses a code pool; `uses` are the uses of the pool."""
    if users := list_names(map(_describe_use, uses)):
        message = f"The pool is used by {users}; edit or delete those first."
        raise input_error(UserErrorCode.INVALID, message, "id")


def _describe_use(use: Use) -> str:
    return f"the {use.kind.value.lower().replace('_', ' ')} {use.name!r}"


async def incompatible_users(requested: KeyDefinition, current: Definitions) -> str | None:
    """Returns a sentence that names the users of the key that would be invalid under the requested
    definition: segments, or if all of those fit, users of another kind. None if all users fit."""
    type_ = MetadataType(requested.type, requested.is_array, requested.label)
    catalog = replace(current.catalog, metadata={**current.catalog.metadata, requested.key: type_})
    incompatible: dict[UseKind, list[Use]] = {}
    for use in current.uses_of_key(requested.key):
        if use.kind is UseKind.SEGMENT:
            await current.parse_nested(current.segments[use.id].filter)
        elif use.kind is UseKind.VALIDATION_RULE:
            await current.parse_nested(current.validation_rules[use.id].filter)
        await current.time_slice.yield_when_spent()
        if not _KEY_CHECKS[use.kind].is_compatible(use, current, catalog):
            incompatible.setdefault(use.kind, []).append(use)
    for kind, uses in incompatible.items():
        problem = _KEY_CHECKS[kind].problem.format(names=list_names(repr(use.name) for use in uses))
        return f"{requested.key} can't be {requested.type_text}: {problem}"
    return None


def _is_segment_compatible(use: Use, current: Definitions, catalog: Catalog) -> bool:
    return _can_be_parsed(current.segments[use.id].filter or {}, catalog)


def _is_validation_rule_compatible(use: Use, current: Definitions, catalog: Catalog) -> bool:
    return _can_be_parsed(current.validation_rules[use.id].filter, catalog)


def _is_rule_compatible(use: Use, current: Definitions, catalog: Catalog) -> bool:
    """Whether the rule's points can still be calculated from the key."""
    points = current.earning_rules[use.id].points
    assert isinstance(points, ProportionalPoints)
    field = catalog.find_field(points.path)
    return field is not None and may_hold_number(field)


class _KeyCheck(NamedTuple):
    """How users of one kind are checked against a new definition of a key they use."""

    is_compatible: Callable[[Use, Definitions, Catalog], bool]
    problem: str


_KEY_CHECKS = {
    UseKind.SEGMENT: _KeyCheck(
        _is_segment_compatible,
        "the filters of {names} use an operator or value that does not fit; edit those first.",
    ),
    UseKind.VALIDATION_RULE: _KeyCheck(
        _is_validation_rule_compatible,
        "the validation rules {names} use an operator or value that does not fit; edit those"
        " first.",
    ),
    UseKind.EARNING_RULE: _KeyCheck(
        _is_rule_compatible,
        "the earning rules {names} calculate points from it; delete those first.",
    ),
}


def active_users(requested: KeyDefinition, current: Definitions) -> str | None:
    """Returns a sentence that names the active segments whose filters use the key, directly or
    through a nested segment. None if there are none."""
    direct = current.segments_using_key(requested.key)
    outer = [dependent for segment in direct for dependent in current.dependents_of(segment.id)]
    segments_by_id = {segment.id: segment for segment in (*direct, *outer)}
    active = [segment for segment in segments_by_id.values() if segment.kind is SegmentKind.ACTIVE]
    if not active:
        return None
    names = list_names(repr(segment.name) for segment in active)
    return f"{requested.key} can't change while active segments use it: {names}."


def list_names(names: Iterable[str], limit: int = _MAX_LISTED_NAMES) -> str:
    """Joins at most `limit` of the names by commas, and appends how many more there are."""
    all_names = list(names)
    listed = ", ".join(all_names[:limit])
    unlisted_count = len(all_names) - limit
    return listed if unlisted_count <= 0 else f"{listed} and {unlisted_count:,} more"


def _can_be_parsed(filter_json: Mapping[str, Any], catalog: Catalog) -> bool:
    try:
        parse(filter_json, catalog)
    except InputError:
        return False
    return True
