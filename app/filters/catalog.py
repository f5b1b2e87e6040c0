"""The catalog resolves the attribute paths and segment ids that a filter names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from app.filters.fields import (
    FIELDS_BY_PATH,
    AttributeType,
    Field,
    FieldGroup,
    activity_field,
    is_event_name,
    split_path,
)
from app.filters.sources import ORDER_ITEM_EVENT_NAME
from app.filters.suggestions import bigrams_by_word, suggest
from app.filters.tree import NestedSegment


def _find_no_segment(_: str) -> NestedSegment | None:
    return None


@dataclass(frozen=True)
class MetadataType:
    """The project's definition of a metadata key."""

    type: AttributeType
    is_array: bool = False
    label: str | None = None


@dataclass(frozen=True)
class Catalog:
    """The attribute paths and segments that a filter may refer to.

    `metadata` maps the project's metadata keys to their definitions. `find_segment` returns the
    segment with an id, or None.
    """

    metadata: Mapping[str, MetadataType] = field(default_factory=dict)
    find_segment: Callable[[str], NestedSegment | None] = field(
        default=_find_no_segment, compare=False
    )

    def find_field(self, path: str) -> Field | None:
        """The field at a path; None if the path does not exist."""
        group, _, subpath = path.partition(".")
        if group == "metadata" and subpath:
            return self._metadata_field(path, split_path(subpath))
        if group == "events" and subpath:
            name, _, summary_key = subpath.rpartition(".")
            has_paths = is_event_name(name) and name != ORDER_ITEM_EVENT_NAME
            return activity_field(name, summary_key) if has_paths else None
        return FIELDS_BY_PATH.get(path)

    def closest_path(self, path: str) -> str:
        """The known path that is most similar to an unknown one."""
        return suggest(path, self._bigrams_by_path)

    @cached_property
    def _bigrams_by_path(self) -> dict[str, set[str]]:
        paths = [*FIELDS_BY_PATH, *(f"metadata.{key}" for key in self.metadata)]
        return bigrams_by_word(paths)

    def _metadata_field(self, path: str, keys: tuple[str, ...]) -> Field | None:
        if not keys:
            return None
        document_keys = ("metadata", *keys)
        definition = self.metadata.get(keys[0])
        if definition is None:
            return Field(path, document_keys, None, FieldGroup.METADATA, path)
        if len(keys) > 1:
            is_object = definition.type is AttributeType.OBJECT
            return (
                Field(path, document_keys, None, FieldGroup.METADATA, path) if is_object else None
            )
        label = definition.label or keys[0]
        return Field(
            path, document_keys, definition.type, FieldGroup.METADATA, label, definition.is_array
        )
