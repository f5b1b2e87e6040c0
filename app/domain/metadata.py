"""What a project has defined of its customers' metadata, and values in and out by it.

A definition passes through states, and the values that were there pass with it. While CHECKING
they stay as the key was before (`previous`, or plain JSON), and new ones, which must fit the new
definition, are stored in that same way: so a refusal has nothing to put back. Only when all fit
does CONVERTING rewrite them. What a changed type finds as moments becomes text first, since the
stored midnight of a day can't be told from a datetime at that hour; when no moment is left,
`previous` is dropped, and text becomes moments. From then on values are stored as when READY.
A moment where a moment is due fits already: each step may be repeated.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Literal

import orjson

from app.domain.json import json_value
from app.domain.values import MOMENTS, READERS, identity, is_missing
from app.errors import Code, Problem, Refused, refuse
from app.filters.calendar import Calendar
from app.filters.catalog import Catalog, MetadataType
from app.filters.fields import AttributeType, is_key, is_storable

MOST_DEFINITIONS = 1_000
MOST_ALLOWED = 1_000
LARGEST_ALLOWED = 1024 * 1024
LONGEST_LABEL = 100


class DefinitionState(Enum):
    """How far the values that were there before the definition have been brought under it."""

    CHECKING = "CHECKING"
    CONVERTING = "CONVERTING"
    READY = "READY"
    REFUSED = "REFUSED"


UNDER_WAY = (DefinitionState.CHECKING, DefinitionState.CONVERTING)


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
    previous: "Definition | None" = None

    @property
    def in_force(self) -> "Definition | None":
        """What new values must fit: once refused, the key is as it was before."""
        return self.previous if self.state is DefinitionState.REFUSED else self

    @property
    def stored_by(self) -> "Definition | None":
        """By what stored values are to be read; None where they are plain JSON."""
        if self.state is DefinitionState.CONVERTING and self.previous is None:
            return self
        return self if self.state is DefinitionState.READY else self.previous

    @property
    def known_to_filters(self) -> MetadataType | None:
        """Until a definition is ready its key is as if undefined."""
        ready = self.in_force
        if ready is None or ready.state is not DefinitionState.READY:
            return None
        return MetadataType(ready.type, ready.is_array, ready.label)

    def take(self, value: Any, calendar: Calendar) -> Any:
        """A value as it is stored; ValueError says why it does not fit."""
        if self.in_force is None:
            return value
        fitting = self.in_force.fit(value, calendar)
        if self.stored_by is self.in_force:
            return fitting
        if self.stored_by is None or self.state is DefinitionState.CONVERTING:
            return value
        try:
            return self.stored_by.read(value, calendar)
        except ValueError:
            return value

    def fit(self, value: Any, calendar: Calendar) -> Any:
        """A value of the type, and one of those that are allowed."""
        read = self.read(value, calendar)
        if self.allowed_values is not None:
            allowed = set(map(identity, self.allowed_values))
            if not allowed.issuperset(map(identity, read if self.is_array else [read])):
                raise ValueError("must be one of the allowed values")
        return read

    def read(self, value: Any, calendar: Calendar) -> Any:
        """A value of the type."""
        read = READERS[self.type]
        if not self.is_array:
            return read(value, calendar)
        if not isinstance(value, list):
            raise ValueError("must be a list")
        return [read(element, calendar) for element in value]

    def give(self, stored: Any) -> Any:
        """A value stored by this definition, as JSON."""
        if isinstance(stored, list):
            return [self.give(element) for element in stored]
        if isinstance(stored, datetime) and self.type is AttributeType.DATE:
            return stored.date().isoformat()
        return to_json(stored)

    def shown(self, stored: Any) -> Any:
        """A value that is stored now, as JSON."""
        return self.stored_by.give(stored) if self.stored_by else to_json(stored)

    def redefined(self, wanted: "Definition") -> "Definition":
        """What becomes of the key when somebody sets it. Refused while values are rewritten."""
        current = self.in_force
        if current is None:
            return wanted
        if current._has_room_in(wanted):
            return replace(
                current,
                required=wanted.required,
                allowed_values=wanted.allowed_values,
                label=wanted.label,
            )
        match current.state:
            case DefinitionState.READY:
                return replace(wanted, previous=current)
            case DefinitionState.CONVERTING:
                message = f"The values of {self.key} are being converted; wait until it is READY."
                raise refuse(Code.INVALID, message, "input", "key")
            case _:
                return replace(wanted, previous=current.previous)

    def _has_room_in(self, wanted: "Definition") -> bool:
        """Whether all that fits this one fits the other, without a look."""
        if (self.type, self.is_array) != (wanted.type, wanted.is_array):
            return False
        if wanted.allowed_values is None:
            return True
        return self.allowed_values is not None and set(map(identity, self.allowed_values)).issubset(
            map(identity, wanted.allowed_values)
        )

    def judge(self, stored: Any, calendar: Calendar) -> None:
        """ValueError says why a value that was there before does not fit."""
        if is_missing(stored):
            return
        before = self.previous
        self.fit(before.give(stored) if before and before.type in MOMENTS else stored, calendar)

    def convert(self, stored: Any, calendar: Calendar) -> Any:
        """The value as the next step leaves it; ValueError where it came in unseen, and is no
        value of the type."""
        if self.previous is not None:
            return self.previous.give(stored)
        return self.fit(stored, calendar)

    @property
    def to_convert(self) -> Literal["date", "string"] | None:
        """What the next step has to rewrite, by its name in the store."""
        if self.previous is not None:
            return "date"
        return "string" if self.type in MOMENTS else None

    def next(self) -> "Definition":
        """The definition with one step more behind it."""
        before = self.previous
        if self.state is DefinitionState.CHECKING:
            loosen = before and before.type in MOMENTS and before.type is not self.type
            return replace(
                self, state=DefinitionState.CONVERTING, previous=before if loosen else None
            )
        if before is not None:
            return replace(self, previous=None)
        return replace(self, state=DefinitionState.READY, problem=None)

    def refused(self, problem: str) -> "Definition":
        return replace(self, state=DefinitionState.REFUSED, problem=problem)


@dataclass(frozen=True, slots=True)
class Survey:
    """How far the values of a key have been looked through, and what was found."""

    after: str | None = None
    misfits: int = 0
    example: str | None = None

    def misfit(self, value: Any, source_id: str, reason: str) -> "Survey":
        """One more value of JSON that does not fit."""
        text = orjson.dumps(value).decode()
        text = text if len(text) <= 100 else text[:100] + "…"
        example = self.example or f"{text} of customer {source_id}: it {reason}."
        return replace(self, misfits=self.misfits + 1, example=example)

    @property
    def problem(self) -> str | None:
        """Why the definition is refused."""
        match self.misfits:
            case 0:
                return None
            case 1:
                return f"1 value does not fit, {self.example}"
            case misfits:
                return f"{misfits:,} values do not fit, for one {self.example}"


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
            demanded = definition.in_force if definition else None
            if value is None or definition is None or demanded is None:
                taken[key] = value
                continue
            try:
                taken[key] = definition.take(value, self.calendar)
            except ValueError as error:
                # Wrong, but there: a required key is not missing besides.
                taken[key] = value
                message = f"{key} {error}; it is defined as {demanded.type.value}."
                problems.append(Problem(Code.METADATA_INVALID, message, (*path, key)))
        return taken, problems

    def missing(self, stored: Mapping[str, Any], *path: str) -> list[Problem]:
        """A problem for each required key without a value."""
        return [
            Problem(Code.METADATA_INVALID, f"{key} is required; send a value.", (*path, key))
            for key, definition in self.definitions.items()
            if definition.in_force and definition.in_force.required and is_missing(stored.get(key))
        ]

    def give(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Stored metadata as JSON."""
        return {key: self._shown(key, value) for key, value in stored.items()}

    def _shown(self, key: str, stored: Any) -> Any:
        definition = self.definitions.get(key)
        return definition.shown(stored) if definition else to_json(stored)

    def catalog(self) -> Catalog:
        """What filters may use."""
        return Catalog(
            {
                key: known
                for key, definition in self.definitions.items()
                if (known := definition.known_to_filters)
            }
        )


def to_json(stored: Any) -> Any:
    """A stored value as JSON; what has no counterpart there, written by others, as text."""
    if isinstance(stored, datetime):
        form = "milliseconds" if stored.microsecond else "seconds"
        return stored.astimezone(UTC).isoformat(timespec=form).replace("+00:00", "Z")
    if isinstance(stored, Mapping):
        return {key: to_json(value) for key, value in stored.items()}
    if isinstance(stored, list):
        return [to_json(element) for element in stored]
    return stored if stored is None or isinstance(stored, str | int | float) else str(stored)


def metadata(calendar: Calendar, definitions: Iterable[Definition]) -> Metadata:
    return Metadata(calendar, {definition.key: definition for definition in definitions})


def read_definition(wire: Mapping[str, Any], calendar: Calendar) -> Definition:
    """What somebody wants a key to be. Refused carries every problem."""
    problems = []

    def refuse_it(message: str, *path: str) -> None:
        problems.append(Problem(Code.INVALID, message, ("input", *path)))

    key, label, allowed = wire["key"], wire.get("label"), wire.get("allowedValues")
    wanted = Definition(
        key,
        AttributeType(wire["type"]),
        is_array=bool(wire.get("isArray")),
        required=bool(wire.get("required")),
        label=label,
        state=DefinitionState.CHECKING,
    )
    if not is_key(key):
        refuse_it("A key has 1 to 100 characters, no dot, no NUL, and no $ at its start.", "key")
    if label is not None and (len(label) > LONGEST_LABEL or not is_storable(label)):
        refuse_it(f"A label has at most {LONGEST_LABEL} characters, without NUL.", "label")
    if allowed is not None:
        wanted = replace(wanted, allowed_values=_allowed(allowed, wanted, calendar, refuse_it))
    if problems:
        raise Refused(problems)
    return wanted


def _allowed(
    sent: Sequence[Any], wanted: Definition, calendar: Calendar, refuse_it: Callable[..., None]
) -> tuple[Any, ...]:
    """The allowed values as they would be stored; those of a list's key are its elements'."""
    if not 1 <= len(sent) <= MOST_ALLOWED:
        refuse_it(f"List 1 to {MOST_ALLOWED:,} values, or leave it out.", "allowedValues")
        return ()
    one = replace(wanted, is_array=False)
    read = []
    for index, value in enumerate(sent):
        try:
            read.append(one.read(json_value(value), calendar))
        except ValueError as error:
            message = f"The value {error}; the type is {wanted.type.value}."
            refuse_it(message, "allowedValues", str(index))
    if sum(len(orjson.dumps(value)) for value in read) > LARGEST_ALLOWED:
        refuse_it("The allowed values exceed 1 MiB; list fewer.", "allowedValues")
    return tuple(read)
