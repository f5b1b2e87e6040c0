"""The options of an import: what a file alone can't tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from zoneinfo import ZoneInfo

from app.filters.fields import AttributeType
from app.services.imports.presets import Preset


class UnknownColumns(Enum):
    """What to do with a column whose name is no path."""

    REFUSE = "refuse"
    IGNORE = "ignore"
    METADATA = "metadata"


class AmountUnit(Enum):
    """The unit of amounts of money: minor (cents) or major (12.50)."""

    MINOR = "minor"
    MAJOR = "major"


class DecimalMark(Enum):
    """The mark before the decimals of a number."""

    POINT = "."
    COMMA = ","


class DateFormat(Enum):
    """How dates are written. ISO dates are always read, as no other date looks like them."""

    ISO = "iso"
    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"
    UNIX = "unix"


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The type of a column of metadata or properties: STRING, or [STRING] for a list."""

    type: AttributeType
    is_array: bool = False

    @classmethod
    def parse(cls, text: str) -> "ColumnType":
        """Parses STRING or [STRING]. Raises ValueError for another type."""
        name = text.strip().upper()
        is_array = name.startswith("[") and name.endswith("]")
        try:
            return cls(AttributeType(name.strip("[]") if is_array else name), is_array)
        except ValueError:
            names = ", ".join(type_.value for type_ in AttributeType)
            raise ValueError(f"must be one of {names}, or a list like [STRING]") from None

    def __str__(self) -> str:
        return f"[{self.type.value}]" if self.is_array else self.type.value


@dataclass(frozen=True)
class ImportOptions:
    """The options of one import. None stands for an option that was not given.

    `paths_by_column` is `--map`, `types_by_path` is `--type`. `is_missing_time_now` is `--dates
    now`: an event or a new order without a time is of now.
    """

    preset: Preset | None = None
    paths_by_column: Mapping[str, str] = field(default_factory=dict)
    types_by_path: Mapping[str, ColumnType] = field(default_factory=dict)
    unknown: UnknownColumns | None = None
    delimiter: str | None = None
    encoding: str | None = None
    amounts: AmountUnit | None = None
    decimal: DecimalMark | None = None
    dates: DateFormat | None = None
    is_missing_time_now: bool = False
    zone: ZoneInfo | None = None

    @property
    def csv_only_names(self) -> list[str]:
        """The options that were given and do not apply to NDJSON."""
        given = {
            "--map": self.paths_by_column,
            "--unknown": self.unknown,
            "--type": self.types_by_path,
            "--delimiter": self.delimiter,
        }
        return [name for name, value in given.items() if value]

    def with_preset_defaults(self) -> "ImportOptions":
        """Returns the options, with the preset's value for each that was not given."""
        if self.preset is None:
            return self
        preset = self.preset
        return replace(
            self,
            types_by_path={
                **{path: ColumnType.parse(name) for path, name in preset.types.items()},
                **self.types_by_path,
            },
            unknown=self.unknown or UnknownColumns(preset.unknown),
            amounts=self.amounts or (AmountUnit(preset.amounts) if preset.amounts else None),
            zone=self.zone or (ZoneInfo(preset.zone) if preset.zone else None),
        )
