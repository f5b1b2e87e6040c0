"""What a project has defined of its customers' metadata, and values in and out by it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from app.domain.json import same
from app.errors import Code, Problem
from app.filters.calendar import Calendar, nominal, read_date, read_moment
from app.filters.fields import AttributeType, Catalog, MetadataType, is_number


class DefinitionState(Enum):
    """How far the values that were there before the definition have been brought under it."""

    CHECKING = "CHECKING"
    CONVERTING = "CONVERTING"
    READY = "READY"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Definition:
    """A key of metadata with its type; new values must fit it from the start."""

    key: str
    type: AttributeType
    is_array: bool = False
    required: bool = False
    allowed_values: tuple[Any, ...] | None = None
    label: str | None = None
    state: DefinitionState = DefinitionState.READY
    problem: str | None = None

    @property
    def in_force(self) -> bool:
        """Whether new values must fit: once refused, the key is as it was before."""
        return self.state is not DefinitionState.REFUSED

    def take(self, value: Any, calendar: Calendar) -> Any:
        """A value as it is stored; ValueError says why it does not fit."""
        if not self.is_array:
            return self._one(value, calendar)
        if not isinstance(value, list):
            raise ValueError("must be a list")
        return [self._one(element, calendar) for element in value]

    def _one(self, value: Any, calendar: Calendar) -> Any:
        allowed = self.allowed_values
        if allowed is not None and not any(same(value, one) for one in allowed):
            raise ValueError("must be one of the allowed values")
        return _READERS[self.type](value, calendar)

    def give(self, stored: Any) -> Any:
        """A stored value as JSON."""
        if isinstance(stored, list):
            return [self.give(element) for element in stored]
        if isinstance(stored, datetime) and self.type is AttributeType.DATE:
            return stored.date().isoformat()
        return to_json(stored)


@dataclass(frozen=True)
class Metadata:
    """All that is defined of the project's metadata."""

    calendar: Calendar
    definitions: Mapping[str, Definition] = field(default_factory=dict)

    def take(self, sent: Mapping[str, Any], *path: str) -> tuple[dict[str, Any], list[Problem]]:
        """What was sent as it is stored, and what does not fit. Null removes a key, and passes."""
        taken: dict[str, Any] = {}
        problems = []
        for key, value in sent.items():
            definition = self.definitions.get(key)
            if value is None or definition is None or not definition.in_force:
                taken[key] = value
                continue
            try:
                taken[key] = definition.take(value, self.calendar)
            except ValueError as error:
                message = f"{key} {error}; it is defined as {definition.type.value}."
                problems.append(Problem(Code.METADATA_INVALID, message, (*path, key)))
        return taken, problems

    def missing(self, stored: Mapping[str, Any], *path: str) -> list[Problem]:
        """A problem for each required key without a value."""
        return [
            Problem(Code.METADATA_INVALID, f"{key} is required; send a value.", (*path, key))
            for key, definition in self.definitions.items()
            if definition.required and definition.in_force and stored.get(key) is None
        ]

    def give(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Stored metadata as JSON."""
        return {
            key: definition.give(value)
            if (definition := self.definitions.get(key))
            else to_json(value)
            for key, value in stored.items()
        }

    def catalog(self) -> Catalog:
        """What filters may use: until a definition is ready its key is as if undefined."""
        return Catalog(
            {
                key: MetadataType(definition.type, definition.is_array, definition.label)
                for key, definition in self.definitions.items()
                if definition.state is DefinitionState.READY
            }
        )


def to_json(stored: Any) -> Any:
    """A stored value as JSON; what has no counterpart there, written by others, as text."""
    if isinstance(stored, datetime):
        return stored.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(stored, Mapping):
        return {key: to_json(value) for key, value in stored.items()}
    if isinstance(stored, list):
        return [to_json(element) for element in stored]
    return stored if stored is None or isinstance(stored, str | int | float) else str(stored)


def metadata(calendar: Calendar, definitions: Iterable[Definition]) -> Metadata:
    return Metadata(calendar, {definition.key: definition for definition in definitions})


def _text(value: Any, _: Calendar) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value


def _number(value: Any, _: Calendar) -> int | float:
    if not is_number(value):
        raise ValueError("must be a number")
    return value  # type: ignore[no-any-return]


def _boolean(value: Any, _: Calendar) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _day(value: Any, _: Calendar) -> datetime:
    return nominal(value if _is_day(value) else read_date(_text(value, _)))


def _is_day(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _instant(value: Any, calendar: Calendar) -> datetime:
    return calendar.instant(read_moment(_text(value, calendar)))


def _point(value: Any, _: Calendar) -> dict[str, float]:
    fits = (
        isinstance(value, dict)
        and value.keys() == {"lat", "lon"}
        and is_number(value["lat"])
        and is_number(value["lon"])
        and -90 <= value["lat"] <= 90
        and -180 <= value["lon"] <= 180
    )
    if not fits:
        raise ValueError('must be a place like {"lat": 52.2, "lon": 21.0}')
    return value  # type: ignore[no-any-return]


def _object(value: Any, _: Calendar) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    return value


_READERS = {
    AttributeType.STRING: _text,
    AttributeType.NUMBER: _number,
    AttributeType.BOOLEAN: _boolean,
    AttributeType.DATE: _day,
    AttributeType.DATETIME: _instant,
    AttributeType.GEOPOINT: _point,
    AttributeType.OBJECT: _object,
}
