"""The columns of an export: the paths that a client may ask for, and how their values are read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.customers import Document
from app.domain.exports import DEFAULT_FIELDS
from app.domain.ids import EntityKind
from app.errors import InputError, Problem, UserErrorCode, input_error
from app.filters.catalog import Catalog, MetadataType
from app.filters.fields import FIELDS, AttributeType, Field, FieldGroup, is_number
from app.filters.parse import quote_for_message
from app.filters.suggestions import bigrams_by_word, suggest
from app.services.definitions import Definitions
from app.store.ids import to_public_id

MAX_FIELDS = 200
METADATA_PATH = "metadata"
_ID_FIELD = Field("id", ("_id",), AttributeType.STRING, FieldGroup.PROFILE, "Id")
_METADATA_FIELD = Field(
    METADATA_PATH, (METADATA_PATH,), AttributeType.OBJECT, FieldGroup.METADATA, "Metadata"
)
# Exports have these columns besides the attributes of filters.
_FIELDS_BY_PATH = {field.path: field for field in (_ID_FIELD, _METADATA_FIELD)}


def export_fields(attribute_fields: Iterable[Field]) -> list[Field]:
    """Returns what an export may have as columns, given the attributes that filters may name."""
    return [_ID_FIELD, *attribute_fields, _METADATA_FIELD]


def parse_fields(
    fields: Sequence[str] | None, definitions: Definitions, *path: str
) -> tuple[str, ...]:
    """Returns the paths of the columns; sourceId, name and email for None.

    Raises InputError with one problem for each path that is unknown or repeated, and for an empty
    or too long list. `path` locates the list in the input.
    """
    if fields is None:
        return DEFAULT_FIELDS
    if not fields:
        message = "An export needs at least one field; leave the list out for the default."
        raise input_error(UserErrorCode.INVALID, message, *path)
    if len(fields) > MAX_FIELDS:
        message = f"An export has at most {MAX_FIELDS} fields; metadata has all keys in one."
        raise input_error(UserErrorCode.TOO_MANY, message, *path)
    catalog = definitions.catalog
    problems = []
    seen: set[str] = set()
    for index, field_path in enumerate(fields):
        location = (*path, str(index))
        if _find_field(field_path, catalog) is None:
            message = (
                f"There is no field {quote_for_message(field_path)}; the nearest is"
                f" {_closest_path(field_path, catalog)!r}."
            )
            problems.append(Problem(UserErrorCode.UNKNOWN_ATTRIBUTE, message, location))
        elif field_path in seen:
            message = f"The field {quote_for_message(field_path)} is there twice; leave one out."
            problems.append(Problem(UserErrorCode.INVALID, message, location))
        seen.add(field_path)
    if problems:
        raise InputError(problems)
    return tuple(fields)


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `json_keys` are the keys of its value in a row of NDJSON.

    `date_keys` are the metadata keys that are defined as DATE; only the column of all metadata has
    them.
    """

    path: str
    field: Field
    json_keys: tuple[str, ...]
    date_keys: frozenset[str] = frozenset()

    def read(self, documents: Sequence[Document]) -> list[Any]:
        """Returns the value of each customer as it is stored, but ids and days as text.

        The value is None where it is missing or lies behind an array.
        """
        values: list[Any] = list(documents)
        for key in self.field.document_keys:
            # The class test is faster than isinstance, and BSON objects are plain dictionaries.
            values = [value.get(key) if value.__class__ is dict else None for value in values]
        if self.field is _ID_FIELD:
            return [to_public_id(EntityKind.CUSTOMER, value) for value in values]
        if self.field.type is AttributeType.DATE:
            return [None if value is None else _format_days(value) for value in values]
        if self.field.default is not None:
            default = self.field.default
            return [
                value if value.__class__ is int or is_number(value) else default for value in values
            ]
        if self.date_keys:
            return [self._format_metadata(value) for value in values]
        return values

    def _format_metadata(self, metadata: Any) -> Any:
        if metadata.__class__ is not dict:
            return metadata
        return {
            key: _format_days(value) if key in self.date_keys else value
            for key, value in metadata.items()
        }


def resolve_columns(
    fields: Sequence[str], metadata_types: Mapping[str, MetadataType]
) -> list[Column]:
    """Returns the columns of paths that `parse_fields` has accepted."""
    catalog = Catalog(metadata_types)
    date_keys = frozenset(
        key for key, type_ in metadata_types.items() if type_.type is AttributeType.DATE
    )
    columns = []
    for path in fields:
        field = _find_field(path, catalog)
        # The definition of a key may have changed since the path was accepted.
        field = field or Field(path, tuple(path.split(".")), None, FieldGroup.METADATA, path)
        columns.append(
            Column(
                path,
                field,
                _json_keys(path),
                date_keys if field is _METADATA_FIELD else frozenset(),
            )
        )
    return columns


def projection(columns: Iterable[Column]) -> dict[str, int]:
    """Returns MongoDB's projection of the fields that the columns need, and `_id`."""
    paths = {column.field.document_keys for column in columns}
    return {"_id": 1} | {".".join(keys): 1 for keys in sorted(outermost(paths))}


def outermost(paths: Iterable[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Returns the paths that lie in no other one, like `metadata` of `metadata.vip` and
    `metadata`."""
    unique_paths = set(paths)
    return {
        path
        for path in unique_paths
        if unique_paths.isdisjoint(path[:length] for length in range(1, len(path)))
    }


def _find_field(path: str, catalog: Catalog) -> Field | None:
    return _FIELDS_BY_PATH.get(path) or catalog.find_field(path)


def _closest_path(path: str, catalog: Catalog) -> str:
    metadata_paths = [f"metadata.{key}" for key in catalog.metadata]
    known_paths = [*_FIELDS_BY_PATH, *(field.path for field in FIELDS), *metadata_paths]
    return suggest(path, bigrams_by_word(known_paths))


def _json_keys(path: str) -> tuple[str, ...]:
    """Returns the keys of a path in the shape of the API's inputs: the name of an event is one key,
    even if it has dots."""
    group, _, subpath = path.partition(".")
    if group == "events":
        name, _, summary_key = subpath.rpartition(".")
        return (group, name, summary_key)
    return tuple(path.split("."))


def _format_days(value: Any) -> Any:
    """Returns a day, or a list of days, as YYYY-MM-DD. Another value is returned unchanged."""
    if isinstance(value, datetime):
        return value.isoformat()[:10]
    if isinstance(value, list):
        return [_format_days(element) for element in value]
    return value
