"""Finds the path of each column: by `--map`, by the preset, or by the column's own name."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from app.errors import InputError, UserErrorCode, input_error
from app.filters.fields import is_property_key
from app.services.imports.fields import FieldKind, InputFields
from app.services.imports.options import ImportOptions, UnknownColumns
from app.services.imports.presets import suggest_preset

REJECT_COLUMNS = ("line", "reason")
"""The columns that a file of rejected rows has more than its original."""
_MAX_NAMES_IN_MESSAGE = 5
# The rank of columns that no preset ranks. They count before those of the preset.
_UNRANKED = -1


@dataclass(frozen=True, slots=True)
class PathColumns:
    """The columns of one path, as indexes into a row, in the order in which they count."""

    path: tuple[str, ...]
    kind: FieldKind
    indexes: tuple[int, ...]
    equal_indexes: frozenset[int] = frozenset()
    """The columns that no preset ranks, so that a row with two different texts is refused."""

    @property
    def is_joined(self) -> bool:
        """Whether the texts are joined, as first and last name are."""
        return self.path == ("name",) and len(self.indexes) > 1


@dataclass(frozen=True)
class Header:
    """The columns of a file. `names` has all of them in their order; `unnamed_indexes` are columns
    without a name, which must be empty; `ignored_indexes` are not read."""

    names: tuple[str, ...]
    paths: tuple[PathColumns, ...]
    ignored_indexes: tuple[int, ...] = ()
    unnamed_indexes: tuple[int, ...] = ()
    status_indexes: tuple[tuple[int, int], ...] = field(default=())
    """The columns of the preset's rules for the status: index of the column, index of the rule."""

    @classmethod
    def from_names(
        cls, names: Sequence[str], fields: InputFields, options: ImportOptions
    ) -> "Header":
        """Raises INVALID for names that are unknown or used twice, that contain another column, or
        that leave a required path without a column."""
        return _HeaderReader([name.strip() for name in names], fields, options).read()

    def paths_of(self, index: int) -> list[str]:
        """Returns the paths that the column gives."""
        paths = [".".join(columns.path) for columns in self.paths if index in columns.indexes]
        return paths + (["status"] if index in dict(self.status_indexes) else [])

    def is_same_name(self, left: int, right: int) -> bool:
        return self.names[left].casefold() == self.names[right].casefold()


def has_reject_columns(names: Sequence[str]) -> bool:
    """Whether these are the columns of a file of rejected rows."""
    return tuple(names[-len(REJECT_COLUMNS) :]) == REJECT_COLUMNS


class _HeaderReader:
    def __init__(self, names: list[str], fields: InputFields, options: ImportOptions) -> None:
        self._names = names
        self._fields = fields
        self._options = options
        self._preset_columns = options.preset.columns if options.preset else ()
        self._reject_indexes = (
            range(len(names) - len(REJECT_COLUMNS), len(names)) if has_reject_columns(names) else ()
        )
        # Path to (rank, index): the preset's order ranks before the order in the file.
        self._ranked: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
        self._named: dict[tuple[str, ...], int] = {}
        self._ignored: list[int] = []
        self._unnamed: list[int] = []
        self._unknown: list[int] = []

    def read(self) -> Header:
        self._require_mapped_columns()
        for index, name in enumerate(self._names):
            self._add(index, name)
        if self._unknown:
            raise self._unknown_columns()
        paths = tuple(
            PathColumns(
                path,
                self._kind(path),
                tuple(index for _, index in sorted(ranked)),
                frozenset(index for rank, index in ranked if rank == _UNRANKED),
            )
            for path, ranked in self._ranked.items()
        )
        _require_no_overlap([columns.path for columns in paths])
        return Header(
            tuple(self._names), paths, tuple(self._ignored), tuple(self._unnamed), self._rules()
        )

    def _add(self, index: int, name: str) -> None:
        if name in self._options.paths_by_column:
            self._add_path(self._options.paths_by_column[name], _UNRANKED, index)
        elif preset_paths := list(self._preset_paths(name)):
            for rank, preset_path in preset_paths:
                self._add_path(preset_path, rank, index)
        elif self._is_status_column(name):
            pass
        elif not name:
            self._unnamed.append(index)
        elif self._fields.find_kind(tuple(name.split("."))):
            path = tuple(name.split("."))
            if path in self._named:
                raise _invalid(f"There are two columns called {name}; remove one of them.")
            self._named[path] = index
            self._ranked[path].append((_UNRANKED, index))
        elif index in self._reject_indexes:
            self._ignored.append(index)
        else:
            self._add_unknown(index, name)

    def _add_path(self, path_text: str, rank: int, index: int) -> None:
        path = tuple(path_text.split("."))
        self._ranked[path].append((rank, index))

    def _add_unknown(self, index: int, name: str) -> None:
        match self._options.unknown:
            case UnknownColumns.IGNORE:
                self._ignored.append(index)
            case UnknownColumns.METADATA if is_property_key(key := name.replace(".", "_")):
                self._ranked[(self._fields.open_key, key)].append((_UNRANKED, index))
            case _:
                self._unknown.append(index)

    def _preset_paths(self, name: str) -> Iterator[tuple[int, str]]:
        for rank, (column, path) in enumerate(self._preset_columns):
            if column.casefold() == name.casefold():
                yield rank, path

    def _is_status_column(self, name: str) -> bool:
        rules = self._options.preset.status_rules if self._options.preset else ()
        return any(rule.column.casefold() == name.casefold() for rule in rules)

    def _rules(self) -> tuple[tuple[int, int], ...]:
        rules = self._options.preset.status_rules if self._options.preset else ()
        return tuple(
            (index, rule_index)
            for rule_index, rule in enumerate(rules)
            for index, name in enumerate(self._names)
            if rule.column.casefold() == name.casefold()
            and name not in self._options.paths_by_column
            and ("status",) not in self._ranked
        )

    def _kind(self, path: tuple[str, ...]) -> FieldKind:
        kind = self._fields.find_kind(path)
        if kind is None:
            name = ".".join(path)
            suggestion = self._fields.suggest(name)
            hint = f"perhaps {suggestion}" if suggestion else f"paths are {self._fields.describe()}"
            raise _invalid(f"No column can be mapped to {name[:100]!r}; {hint}.")
        return kind

    def _require_mapped_columns(self) -> None:
        for column in self._options.paths_by_column:
            if column not in self._names:
                names = ", ".join(map(repr, self._names[:20]))
                raise _invalid(f"--map: the file has no column {column!r}; it has {names}.")

    def _unknown_columns(self) -> InputError:
        index = self._unknown[0]
        names = [repr(self._names[index][:100]) for index in self._unknown]
        listed = ", ".join(names[:_MAX_NAMES_IN_MESSAGE])
        if len(names) == 1:
            subject = f"Column {index + 1} is called {listed}, which is unknown"
        else:
            more = len(names) - _MAX_NAMES_IN_MESSAGE
            listed += f" and {more} more" if more > 0 else ""
            subject = f"These columns are unknown: {listed}"
        preset = (
            suggest_preset(self._names, self._fields.row_type)
            if self._options.preset is None
            else None
        )
        suggestion = self._fields.suggest(self._names[index])
        if suggestion and not preset:
            return _invalid(f"{subject}; perhaps {suggestion}.")
        fix = f"Try --preset {preset.name}, or" if preset else "Say"
        return _invalid(
            f'{subject}. {fix} --map "COLUMN=path" for each, --unknown ignore, or --unknown'
            f" metadata. Paths are {self._fields.describe()}."
        )


def _require_no_overlap(paths: Sequence[tuple[str, ...]]) -> None:
    parent_paths = {path[:length] for path in paths for length in range(1, len(path))}
    for path in paths:
        if path in parent_paths:
            name = ".".join(path)
            raise _invalid(
                f"A file can't have both a column {name} and columns inside {name};"
                " remove one or the other."
            )


def _invalid(message: str) -> InputError:
    return input_error(UserErrorCode.INVALID, message)
