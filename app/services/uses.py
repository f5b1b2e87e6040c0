"""Which filters use a key of metadata, and whether they could if it were defined anew."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.domain.metadata import Definition
from app.domain.segments import Segment, SegmentKind
from app.errors import Refused
from app.filters import Catalog, MetadataType, parse
from app.services.definitions import Definitions

_MOST_NAMES = 100


def unfit_users(wanted: Definition, current: Definitions) -> str | None:
    """A sentence that names the segments whose filters do not fit the definition."""
    type_ = MetadataType(wanted.type, wanted.is_array, wanted.label)
    catalog = Catalog({**current.catalog.metadata, wanted.key: type_})
    unfit = [
        segment
        for segment, wire in _users(wanted.key, current)
        if not _can_be_parsed(wire, catalog)
    ]
    if not unfit:
        return None
    return (
        f"{wanted.key} can't be {wanted.type.value}: an operator or value does not fit it in the"
        f" filters of {_names(unfit)}; edit those first."
    )


def active_users(wanted: Definition, current: Definitions) -> str | None:
    """A sentence that names the active segments which use the key at all."""
    active = [
        segment for segment, _ in _users(wanted.key, current) if segment.kind is SegmentKind.ACTIVE
    ]
    if not active:
        return None
    return f"{wanted.key} can't change while active segments use it: {_names(active)}."


def _users(key: str, current: Definitions) -> Iterator[tuple[Segment, Mapping[str, Any]]]:
    for segment in current.segments.values():
        if segment.filter is not None and _mentions(segment.filter, key):
            yield segment, segment.filter


def _mentions(wire: Mapping[str, Any], key: str) -> bool:
    ((kind, inner),) = wire.items()
    if kind in ("all", "any", "none"):
        return any(_mentions(branch, key) for branch in inner)
    return kind == "attribute" and f"{inner['path']}.".startswith(f"metadata.{key}.")


def _can_be_parsed(wire: Mapping[str, Any], catalog: Catalog) -> bool:
    try:
        parse(wire, catalog)
    except Refused:
        return False
    return True


def _names(segments: Iterable[Segment]) -> str:
    names = [repr(segment.name) for segment in segments]
    more = len(names) - _MOST_NAMES
    listed = ", ".join(names[:_MOST_NAMES])
    return listed if more <= 0 else f"{listed} and {more:,} more"
