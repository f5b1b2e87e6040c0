"""Attributes for filter editors: the paths that filters may use, events and their properties, and
sampled values."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.domain.metadata import MetadataSchema, to_json
from app.errors import UserErrorCode, input_error
from app.filters import operators
from app.filters.fields import FIELDS, AttributeType, Field, is_event_name, is_property_key
from app.filters.operators import Operator
from app.filters.sources import RESERVED_EVENT_NAMES, RowSource, event_source
from app.filters.values import InvalidOperandError, parse_string
from app.services.definitions_reader import DefinitionsReader
from app.store import Store
from app.store.value_samples import SampledTypes

EVENT_MEASURES = ("count", "firstAt", "lastAt")


@dataclass(frozen=True)
class Attribute:
    """A field with its type, the operators that apply to it, and as JSON the values that the
    definition of its metadata key allows; None if there is no such limit."""

    field: Field
    type: AttributeType
    operators: tuple[Operator, ...]
    allowed_values: Sequence[Any] | None = None


@dataclass(frozen=True)
class KnownEvent:
    """What is known of the events of one name: the instant of the last one, None without events,
    and their properties."""

    last_at: datetime | None
    properties: tuple[Attribute, ...]


class Attributes:
    """Lists attributes, events and their properties, and suggests values."""

    def __init__(self, store: Store, definitions: DefinitionsReader) -> None:
        self._store = store
        self._definitions = definitions

    async def list_all(self) -> list[Attribute]:
        """Returns all known attributes: the standard ones, defined or sampled metadata keys, and
        the measures of each event name."""
        definitions = await self._definitions.latest()
        catalog = definitions.catalog
        sampled_types = await self._store.value_samples.metadata_types()
        event_names = await self._store.events.names()
        # Other programs may write keys that no path can name.
        sampled_keys = filter(is_property_key, sampled_types)
        paths = [f"metadata.{key}" for key in sorted({*catalog.metadata, *sampled_keys})]
        paths += [
            f"events.{name}.{measure}" for name in sorted(event_names) for measure in EVENT_MEASURES
        ]
        fields = [*FIELDS, *filter(None, map(catalog.find_field, paths))]
        allowed_values = _allowed_values_by_path(definitions.metadata_schema)
        return [
            replace(attribute, allowed_values=allowed_values.get(attribute.field.path))
            for attribute in _with_types(fields, sampled_types)
        ]

    async def event_names(self) -> list[str]:
        """Returns the names that an event condition may have: those of orders, of their items, and
        of all custom events."""
        custom_names = await self._store.events.names()
        return [*RESERVED_EVENT_NAMES, *sorted(custom_names.difference(RESERVED_EVENT_NAMES))]

    async def known_events(self, names: Iterable[str]) -> dict[str, KnownEvent]:
        """Returns by name what is known of these events, from a sample of the latest of them."""
        samples = await self._store.value_samples.events(names)
        return {
            name: KnownEvent(
                sample.last_at, tuple(_properties(event_source(name), sample.property_types))
            )
            for name, sample in samples.items()
        }

    async def suggest_values(
        self, path: str, event_name: str | None, prefix: str | None, limit: int
    ) -> list[Any]:
        """Returns sampled values at a path that start with the prefix, most frequent first. With
        `event_name`, the path is a property of that event. Raises UNKNOWN_ATTRIBUTE or
        INVALID_VALUE."""
        source = None if event_name is None else _require_event(event_name)
        field = await self._find_field(path) if source is None else _find_property(source, path)
        if prefix is not None:
            _require_text(prefix)
        values = await self._store.value_samples.frequent_values(field, prefix, limit, source)
        return [_to_filter_value(field, value) for value in values]

    async def _find_field(self, path: str) -> Field:
        catalog = (await self._definitions.latest()).catalog
        field = catalog.find_field(path)
        if field is None:
            message = f"There is no such attribute; the nearest is {catalog.closest_path(path)!r}."
            raise input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, message, "path")
        return field


def _allowed_values_by_path(schema: MetadataSchema) -> dict[str, list[Any]]:
    """Returns the allowed values of those metadata keys whose definition filters use."""
    values_by_path: dict[str, list[Any]] = {}
    for key, definition in schema.definitions.items():
        effective = definition.effective_definition
        if definition.filter_type and effective and effective.allowed_json_values is not None:
            values_by_path[f"metadata.{key}"] = effective.allowed_json_values
    return values_by_path


def _require_event(name: str) -> RowSource:
    if not is_event_name(name):
        message = "The name of an event must have 1 to 100 characters and no NUL."
        raise input_error(UserErrorCode.INVALID_VALUE, message, "event")
    return event_source(name)


def _find_property(source: RowSource, path: str) -> Field:
    field = source.find_property(path)
    if field is None:
        message = (
            "This is no property: each key must have 1 to 100 characters, no NUL, and no $ at its"
            " start."
        )
        raise input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, message, "path")
    return field


def _properties(source: RowSource, sampled_types: SampledTypes) -> Iterator[Attribute]:
    """Yields the properties of the events of a source: those that orders and items always have, and
    the sampled ones."""
    standard_properties = source.standard_properties_by_path
    # Other programs may write keys that no path can name.
    sampled_keys = sorted(
        filter(is_property_key, sampled_types.keys() - standard_properties.keys())
    )
    fields = [*standard_properties.values(), *filter(None, map(source.find_property, sampled_keys))]
    return _with_types(fields, sampled_types)


def _with_types(fields: list[Field], sampled_types: SampledTypes) -> Iterator[Attribute]:
    """Yields each field with its defined type, or else the type of its sampled values."""
    for field in fields:
        type_, is_array = field.type, field.is_array
        if type_ is None:
            type_, is_array = sampled_types[field.document_keys[-1]]
        typed_field = replace(field, type=type_, is_array=is_array)
        yield Attribute(
            typed_field,
            type_,
            tuple(
                operator
                for operator in operators.OPERATORS
                if operator.is_applicable_to(typed_field)
            ),
        )


def _require_text(prefix: str) -> None:
    try:
        parse_string(prefix)
    except InvalidOperandError as error:
        raise input_error(UserErrorCode.INVALID_VALUE, f"The prefix {error}.", "prefix") from None


def _to_filter_value(field: Field, value: Any) -> Any:
    """Returns a stored value in the format that filters accept."""
    is_day = field.type is AttributeType.DATE and isinstance(value, datetime)
    return value.date().isoformat() if is_day else to_json(value)
