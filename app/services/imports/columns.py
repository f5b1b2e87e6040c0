"""The columns of a CSV file: how each cell is parsed, and to which field it belongs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from app.domain.inputs import Input
from app.domain.metadata import MetadataSchema
from app.errors import InputError, UserErrorCode, input_error
from app.filters.fields import is_property_key
from app.services.imports import cell_parsers

CellParser = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the path of its field in the API's input, and the parser of its cells."""

    path: tuple[str, ...]
    parse: CellParser


class Columns:
    """The columns of a file, in the order of its cells."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = [(column.path[:-1], column.path[-1], column.parse) for column in columns]

    @classmethod
    def from_header(
        cls, header: Sequence[str], model: type[Input], metadata_schema: MetadataSchema | None
    ) -> "Columns":
        """Resolves the names in the header. Raises INVALID for a name that is unknown, empty or
        duplicate, or that contains another column (like `address` beside `address.city`).

        `metadata_schema` gives the types of metadata keys; None treats them as undefined.
        """
        names = [name.strip() for name in header]
        parsers_by_name = dict(_input_columns(model))
        columns = [
            _resolve_column(column_number, name, parsers_by_name, metadata_schema)
            for column_number, name in enumerate(names, 1)
        ]
        _require_no_overlap([column.path for column in columns])
        return cls(columns)

    def __len__(self) -> int:
        return len(self._columns)

    def to_input_object(self, row: Sequence[str]) -> dict[str, Any]:
        """Returns the cells in the shape of the API's input. Empty cells are left out."""
        input_object: dict[str, Any] = {}
        for (parent_path, key, parse), cell in zip(self._columns, row, strict=False):
            if cell:
                target = input_object
                for part in parent_path:
                    target = target.setdefault(part, {})
                target[key] = parse(cell)
        return input_object


def _input_columns(model: type[Input]) -> Iterator[tuple[str, CellParser | None]]:
    """Yields the column names of an input, each with its parser; None for a JSON object, which may
    have columns for any of its keys."""
    for python_name, hint in get_type_hints(model).items():
        if python_name not in model.model_fields:
            continue
        name = str(model.model_fields[python_name].alias)
        field_type, *_ = get_args(hint) if NoneType in get_args(hint) else (hint,)
        if get_origin(field_type) is list:
            # A cell holds one value. Files with lists are NDJSON.
            continue
        if get_origin(field_type) is dict:
            yield name, None
        elif issubclass(field_type, Input):
            yield from (
                (f"{name}.{inner_name}", parser)
                for inner_name, parser in _input_columns(field_type)
            )
        else:
            yield name, cell_parsers.parse_integer if field_type is int else cell_parsers.parse_text


def _resolve_column(
    column_number: int,
    name: str,
    parsers_by_name: Mapping[str, CellParser | None],
    metadata_schema: MetadataSchema | None,
) -> Column:
    path = tuple(name.split("."))
    if parser := parsers_by_name.get(name):
        return Column(path, parser)
    if (
        len(path) > 1
        and parsers_by_name.get(path[0], cell_parsers.parse_text) is None
        and all(map(is_property_key, path))
    ):
        is_metadata_key = metadata_schema and path[:1] == ("metadata",) and len(path) == 2
        return Column(
            path,
            cell_parsers.parser_for(metadata_schema.definitions.get(path[1]))
            if metadata_schema and is_metadata_key
            else cell_parsers.parse_untyped,
        )
    raise _unknown_column(column_number, name, parsers_by_name)


def _unknown_column(
    column_number: int, name: str, parsers_by_name: Mapping[str, CellParser | None]
) -> InputError:
    column_names = [name if parser else f"{name}.KEY" for name, parser in parsers_by_name.items()]
    description = f"is called {name[:100]!r}, which is unknown" if name else "has no name"
    close_matches = (
        get_close_matches(name, column_names, 1) if name.replace(".", "").isalnum() else []
    )
    hint = (
        f"perhaps {close_matches[0]}"
        if close_matches
        else f"columns are {', '.join(column_names)}, with commas between"
    )
    return input_error(UserErrorCode.INVALID, f"Column {column_number} {description}; {hint}.")


def _require_no_overlap(paths: Sequence[tuple[str, ...]]) -> None:
    seen: set[tuple[str, ...]] = set()
    parent_paths = {path[:length] for path in paths for length in range(1, len(path))}
    for path in paths:
        if path in seen:
            raise input_error(
                UserErrorCode.INVALID,
                f"There are two columns called {'.'.join(path)}; remove one of them.",
            )
        if path in parent_paths:
            name = ".".join(path)
            message = (
                f"A file can't have both a column {name} and columns inside {name};"
                " remove one or the other."
            )
            raise input_error(UserErrorCode.INVALID, message)
        seen.add(path)
