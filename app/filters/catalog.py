"""Every path that a filter may use, and every segment that it may name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from app.filters.fields import (
    BY_PATH,
    AttributeType,
    Field,
    Group,
    activity,
    is_event_name,
    keys,
)
from app.filters.likeness import most_like, pairs_of
from app.filters.tree import Nested


def _none_known(_: str) -> Nested | None:
    return None


@dataclass(frozen=True)
class MetadataType:
    """What the project has defined of a metadata key."""

    type: AttributeType
    is_array: bool = False
    label: str | None = None


@dataclass(frozen=True)
class Catalog:
    """Every path that a filter may use, the project's own metadata keys among them, and the
    segments that it may name by their ids."""

    metadata: Mapping[str, MetadataType] = field(default_factory=dict)
    segment: Callable[[str], Nested | None] = field(default=_none_known, compare=False)

    def find(self, path: str) -> Field | None:
        """The field of a path, or None where no filter may use it."""
        group, _, rest = path.partition(".")
        if group == "metadata" and rest:
            return self._metadata(path, keys(rest))
        if group == "events" and rest:
            name, _, which = rest.rpartition(".")
            return activity(name, which) if is_event_name(name) else None
        return BY_PATH.get(path)

    def nearest(self, path: str) -> str:
        """The known path that looks most like this one."""
        return most_like(path, self._known_pairs)

    @cached_property
    def _known_pairs(self) -> dict[str, set[str]]:
        known = [*BY_PATH, *(f"metadata.{key}" for key in self.metadata)]
        return pairs_of(known)

    def _metadata(self, path: str, keys: tuple[str, ...]) -> Field | None:
        if not keys:
            return None
        stored = ("metadata", *keys)
        defined = self.metadata.get(keys[0])
        if defined is None:
            return Field(path, stored, None, Group.METADATA, path)
        if len(keys) > 1:
            inside = defined.type is AttributeType.OBJECT
            return Field(path, stored, None, Group.METADATA, path) if inside else None
        label = defined.label or keys[0]
        return Field(path, stored, defined.type, Group.METADATA, label, defined.is_array)
