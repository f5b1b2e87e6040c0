"""The columns of a CSV file: what each cell is, and where it goes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from app.domain.inputs import Input
from app.domain.metadata import Metadata
from app.errors import Code, Refused, refuse
from app.filters.fields import is_key
from app.services.imports import cells

Read = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Column:
    path: tuple[str, ...]
    read: Read


class Columns:
    """All columns, in the order of the cells."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = [(column.path[:-1], column.path[-1], column.read) for column in columns]

    @classmethod
    def of(cls, header: Sequence[str], model: type[Input], metadata: Metadata | None) -> "Columns":
        """Refused where a name is unknown, missing, there twice or inside another one."""
        names = [name.strip() for name in header]
        known = dict(_known(model))
        columns = [_column(i, name, known, metadata) for i, name in enumerate(names, 1)]
        _require_apart([column.path for column in columns])
        return cls(columns)

    def __len__(self) -> int:
        return len(self._columns)

    def wire(self, row: Sequence[str]) -> dict[str, Any]:
        """The cells in the shape of the API's input; an empty one is left out."""
        wire: dict[str, Any] = {}
        for (outer, key, read), cell in zip(self._columns, row, strict=False):
            if cell:
                place = wire
                for step in outer:
                    place = place.setdefault(step, {})
                place[key] = read(cell)
        return wire


def _known(model: type[Input]) -> Iterator[tuple[str, Read | None]]:
    """The names that the input has; None reads what may have any key below it."""
    for python_name, hint in get_type_hints(model).items():
        if python_name not in model.model_fields:
            continue
        name = str(model.model_fields[python_name].alias)
        kind, *_ = get_args(hint) if NoneType in get_args(hint) else (hint,)
        if get_origin(kind) is dict:
            yield name, None
        elif issubclass(kind, Input):
            yield from ((f"{name}.{inner}", read) for inner, read in _known(kind))
        else:
            yield name, cells.whole_number if kind is int else cells.text


def _column(
    number: int, name: str, known: Mapping[str, Read | None], metadata: Metadata | None
) -> Column:
    path = tuple(name.split("."))
    if read := known.get(name):
        return Column(path, read)
    if len(path) > 1 and known.get(path[0], cells.text) is None and all(map(is_key, path)):
        defined = metadata and path[:1] == ("metadata",) and len(path) == 2
        return Column(
            path,
            cells.by(metadata.definitions.get(path[1])) if metadata and defined else cells.guessed,
        )
    raise _unknown(number, name, known)


def _unknown(number: int, name: str, known: Mapping[str, Read | None]) -> Refused:
    named = [name if read else f"{name}.KEY" for name, read in known.items()]
    what = f"is called {name[:100]!r}, which is unknown" if name else "has no name"
    near = get_close_matches(name, named, 1) if name.replace(".", "").isalnum() else []
    hint = f"perhaps {near[0]}" if near else f"columns are {', '.join(named)}, with commas between"
    return refuse(Code.INVALID, f"Column {number} {what}; {hint}.")


def _require_apart(paths: Sequence[tuple[str, ...]]) -> None:
    seen: set[tuple[str, ...]] = set()
    outer = {path[:length] for path in paths for length in range(1, len(path))}
    for path in paths:
        if path in seen:
            raise refuse(Code.INVALID, f"There are two columns called {'.'.join(path)}; leave one.")
        if path in outer:
            message = f"There are columns inside {'.'.join(path)} beside it; leave it or them."
            raise refuse(Code.INVALID, message)
        seen.add(path)
