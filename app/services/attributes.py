"""Attributes for filter editors: the paths that filters may use, and sampled values."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.domain.metadata import to_json
from app.errors import UserErrorCode, input_error
from app.filters import operators
from app.filters.fields import FIELDS, AttributeType, Field, is_property_key
from app.filters.operators import Operator
from app.filters.values import InvalidOperandError, parse_string
from app.services.definitions_reader import DefinitionsReader
from app.store import Store

EVENT_MEASURES = ("count", "firstAt", "lastAt")


@dataclass(frozen=True)
class Attribute:
    """A field with its type and the operators that apply to it."""

    field: Field
    type: AttributeType
    operators: tuple[Operator, ...]


class Attributes:
    """Lists attributes and suggests their values."""

    def __init__(self, store: Store, definitions: DefinitionsReader) -> None:
        self._store = store
        self._definitions = definitions

    async def list_all(self) -> list[Attribute]:
        """Returns all known attributes: the standard ones, defined or sampled metadata keys, and
        the measures of each event name."""
        catalog = (await self._definitions.latest()).catalog
        sampled_types = await self._store.value_samples.metadata_types()
        event_names = await self._store.events.names()
        # Other programs may write keys that no path can name.
        sampled_keys = filter(is_property_key, sampled_types)
        paths = [f"metadata.{key}" for key in sorted({*catalog.metadata, *sampled_keys})]
        paths += [
            f"events.{name}.{measure}" for name in sorted(event_names) for measure in EVENT_MEASURES
        ]
        fields = [*FIELDS, *filter(None, map(catalog.find_field, paths))]
        return list(_with_types(fields, sampled_types))

    async def suggest_values(self, path: str, prefix: str | None, limit: int) -> list[Any]:
        """Returns sampled values at a path that start with the prefix, most frequent first. Raises
        UNKNOWN_ATTRIBUTE or INVALID_VALUE."""
        catalog = (await self._definitions.latest()).catalog
        field = catalog.find_field(path)
        if field is None:
            message = f"There is no such attribute; the nearest is {catalog.closest_path(path)!r}."
            raise input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, message, "path")
        if prefix is not None:
            _require_text(prefix)
        values = await self._store.value_samples.frequent_values(field, prefix, limit)
        return [_to_filter_value(field, value) for value in values]


def _with_types(
    fields: list[Field], sampled_types: dict[str, tuple[AttributeType, bool]]
) -> Iterator[Attribute]:
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
