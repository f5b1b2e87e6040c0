"""Metadata definitions: the type of a metadata key, and how its values are validated and stored.

A definition passes through states, and MetadataConversion brings the stored values along:

- CHECKING: stored values keep their old format (of `previous`, or plain JSON). New values must fit
  the new definition, but are stored in the old format too, so that a refusal changes no value.
- CONVERTING, only after all stored values fit: values are rewritten. A definition that replaces a
  DATE or DATETIME by another type first rewrites the stored BSON dates as text, because the
  midnight of a DATE looks the same as a DATETIME at that hour. When no BSON date is left,
  `previous` is dropped, and values of another type are rewritten: text as BSON dates, numbers or
  booleans, and numbers and booleans as text. From then on new values are stored as in READY.
- READY: all values are stored in the new format, and filters use the type.
- REFUSED: a stored value or a filter does not fit; the key is as it was before.

Each step can be repeated: a value that is already converted stays as it is.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import orjson

from app.domain.metadata_values import (
    CONVERTED_BSON_TYPES,
    PARSERS,
    TEMPORAL_TYPES,
    convert_stored_value,
    equality_key,
    is_missing,
)
from app.errors import Problem, UserErrorCode, input_error
from app.filters.calendar import Calendar
from app.filters.catalog import Catalog, MetadataType
from app.filters.fields import AttributeType

MAX_DEFINITIONS = 1_000
_JSON_SCALAR_TYPES = (str, int, float)


class DefinitionState(Enum):
    """How far the values stored before the definition have been checked and converted."""

    CHECKING = "CHECKING"
    CONVERTING = "CONVERTING"
    READY = "READY"
    REFUSED = "REFUSED"


IN_PROGRESS_STATES = (DefinitionState.CHECKING, DefinitionState.CONVERTING)


@dataclass(frozen=True, slots=True)
class KeyDefinition:
    """The definition of one metadata key. New values must fit it from the moment it is set.

    `problem` says why the definition is REFUSED, or why it can't become READY. `previous` is the
    definition before this one, as long as stored values may still have its format.
    """

    key: str
    type: AttributeType
    is_array: bool = False
    required: bool = False
    allowed_values: tuple[Any, ...] | None = None
    label: str | None = None
    state: DefinitionState = DefinitionState.READY
    problem: str | None = None
    previous: "KeyDefinition | None" = None

    @property
    def effective_definition(self) -> "KeyDefinition | None":
        """The definition that new values must fit. After a refusal it is the previous one."""
        return self.previous if self.state is DefinitionState.REFUSED else self

    @property
    def type_text(self) -> str:
        """The type for messages: "STRING" or "a list of STRING"."""
        return f"{'a list of ' * self.is_array}{self.type.value}"

    @property
    def storage_definition(self) -> "KeyDefinition | None":
        """The definition whose format new values are stored in and stored values are read by. None
        stands for plain JSON."""
        if self.state is DefinitionState.CONVERTING and self.previous is None:
            return self
        return self if self.state is DefinitionState.READY else self.previous

    @property
    def filter_type(self) -> MetadataType | None:
        """The type that filters use; None if the key is undefined or not READY."""
        effective = self.effective_definition
        if effective is None or effective.state is not DefinitionState.READY:
            return None
        return MetadataType(effective.type, effective.is_array, effective.label)

    @property
    def allowed_json_values(self) -> list[Any] | None:
        """The allowed values as JSON; None if all values of the type are allowed."""
        if self.allowed_values is None:
            return None
        return [self.decode(value) for value in self.allowed_values]

    def encode(self, value: Any, calendar: Calendar) -> Any:
        """Returns the value as it is stored. Raises ValueError if it does not fit."""
        if self.effective_definition is None:
            return value
        encoded = self.effective_definition.validate(value, calendar)
        if self.storage_definition is self.effective_definition:
            return encoded
        if self.storage_definition is None or self.state is DefinitionState.CONVERTING:
            return value
        try:
            return self.storage_definition.parse(value, calendar)
        except ValueError:
            return value

    def validate(self, value: Any, calendar: Calendar) -> Any:
        """Returns the parsed value. Raises ValueError if it has another type or is not allowed."""
        parsed = self.parse(value, calendar)
        if self.allowed_values is not None:
            allowed_keys = set(map(equality_key, self.allowed_values))
            if not allowed_keys.issuperset(
                map(equality_key, parsed if self.is_array else [parsed])
            ):
                raise ValueError("must be one of the allowed values")
        return parsed

    def parse(self, value: Any, calendar: Calendar) -> Any:
        """Returns the value in the format of the type. Raises ValueError for another type."""
        parse_element = PARSERS[self.type]
        if not self.is_array:
            return parse_element(value, calendar)
        if not isinstance(value, list):
            raise ValueError(f"must be {self.type_text}")
        return [parse_element(element, calendar) for element in value]

    def decode(self, stored: Any) -> Any:
        """Returns a value stored in the format of this definition as JSON."""
        if isinstance(stored, list):
            return [self.decode(element) for element in stored]
        if isinstance(stored, datetime) and self.type is AttributeType.DATE:
            return stored.date().isoformat()
        return to_json(stored)

    def decode_current(self, stored: Any) -> Any:
        """Returns a stored value as JSON, whatever format the state implies."""
        return (
            self.storage_definition.decode(stored) if self.storage_definition else to_json(stored)
        )

    def redefine(self, requested: "KeyDefinition") -> "KeyDefinition":
        """Returns the definition after a client sets the key. If all stored values surely fit, the
        state does not change. Raises INVALID while values are being converted."""
        current = self.effective_definition
        if current is None:
            return requested
        if current._is_subset_of(requested):
            return replace(
                current,
                required=requested.required,
                allowed_values=requested.allowed_values,
                label=requested.label,
            )
        match current.state:
            case DefinitionState.READY:
                return replace(requested, previous=current)
            case DefinitionState.CONVERTING:
                message = f"The values of {self.key} are being converted; wait until it is READY."
                raise input_error(UserErrorCode.INVALID, message, "input", "key")
            case _:
                return replace(requested, previous=current.previous)

    def _is_subset_of(self, requested: "KeyDefinition") -> bool:
        """Whether every value that fits this definition fits the other one."""
        if (self.type, self.is_array) != (requested.type, requested.is_array):
            return False
        if requested.allowed_values is None:
            return True
        return self.allowed_values is not None and set(
            map(equality_key, self.allowed_values)
        ).issubset(map(equality_key, requested.allowed_values))

    def check_stored_value(self, stored: Any, calendar: Calendar) -> None:
        """Raises ValueError if a stored value neither fits this new definition nor can be converted
        to it."""
        if is_missing(stored):
            return
        previous = self.previous
        self._convert_and_validate(
            previous.decode(stored) if previous and previous.type in TEMPORAL_TYPES else stored,
            calendar,
        )

    def _convert_and_validate(self, stored: Any, calendar: Calendar) -> Any:
        return self.validate(convert_stored_value(stored, self.type), calendar)

    def convert(self, stored: Any, calendar: Calendar) -> Any:
        """Returns the stored value as the current conversion step rewrites it. Raises ValueError if
        it has another type, which can happen if another program wrote it."""
        if self.previous is not None:
            return self.previous.decode(stored)
        return self._convert_and_validate(stored, calendar)

    @property
    def bson_types_to_convert(self) -> tuple[str, ...]:
        """The BSON types of the values that the current conversion step rewrites; empty if it
        rewrites none."""
        return ("date",) if self.previous is not None else CONVERTED_BSON_TYPES.get(self.type, ())

    def next_state(self) -> "KeyDefinition":
        """Returns the definition after the current step succeeds."""
        previous = self.previous
        if self.state is DefinitionState.CHECKING:
            is_previous_needed = (
                previous and previous.type in TEMPORAL_TYPES and previous.type is not self.type
            )
            return replace(
                self,
                state=DefinitionState.CONVERTING,
                previous=previous if is_previous_needed else None,
            )
        if previous is not None:
            return replace(self, previous=None)
        return replace(self, state=DefinitionState.READY, problem=None)

    def as_refused(self, problem: str) -> "KeyDefinition":
        return replace(self, state=DefinitionState.REFUSED, problem=problem)


@dataclass(frozen=True, slots=True)
class ValidationProgress:
    """Progress of CHECKING: the last customer whose value was checked, the number of values that
    do not fit, and the first of them as an example."""

    last_customer_id: str | None = None
    invalid_count: int = 0
    invalid_example: str | None = None

    def add_invalid_value(self, value: Any, source_id: str, reason: str) -> "ValidationProgress":
        """Returns the progress with one more invalid value, given as JSON."""
        text = orjson.dumps(value).decode()
        text = text if len(text) <= 100 else text[:100] + "…"
        example = self.invalid_example or f"{text} of customer {source_id}: it {reason}."
        return replace(self, invalid_count=self.invalid_count + 1, invalid_example=example)

    @property
    def problem(self) -> str | None:
        """Why the definition is refused; None if all checked values fit."""
        match self.invalid_count:
            case 0:
                return None
            case 1:
                return f"1 value does not fit, {self.invalid_example}"
            case invalid_count:
                return f"{invalid_count:,} values do not fit, for one {self.invalid_example}"


@dataclass(frozen=True)
class MetadataSchema:
    """All metadata definitions of the project by key, and its calendar."""

    calendar: Calendar
    definitions: Mapping[str, KeyDefinition] = field(default_factory=dict)

    def encode(self, values: Mapping[str, Any], *path: str) -> tuple[dict[str, Any], list[Problem]]:
        """Returns the sent values as they are stored, and a problem for each value that does not
        fit its definition. None, which removes a key, always fits."""
        encoded: dict[str, Any] = {}
        problems = []
        for key, value in values.items():
            definition = self.definitions.get(key)
            effective = definition.effective_definition if definition else None
            if value is None or definition is None or effective is None:
                encoded[key] = value
                continue
            try:
                encoded[key] = definition.encode(value, self.calendar)
            except ValueError as error:
                # The key counts as sent, so that it is not also reported as missing.
                encoded[key] = value
                reason = f"{key} {error}"
                if not reason.endswith(effective.type_text):
                    reason += f"; it is defined as {effective.type_text}"
                problems.append(Problem(UserErrorCode.METADATA_INVALID, f"{reason}.", (*path, key)))
        return encoded, problems

    @property
    def pending_date_keys(self) -> set[str]:
        """The keys whose stored values are being checked or converted to dates."""
        return {
            key
            for key, definition in self.definitions.items()
            if definition.state in IN_PROGRESS_STATES and definition.type in TEMPORAL_TYPES
        }

    def find_missing_required(
        self,
        stored: Mapping[str, Any],
        previous: Mapping[str, Any] | None,
        sent_keys: Collection[str],
        *path: str,
    ) -> list[Problem]:
        """Returns a problem for each required key without a value in `stored`.

        `previous` is the customer's metadata before the change, None for a new customer. A customer
        who lacked the key before may still be changed, unless the change sends the key.
        """
        return [
            Problem(
                UserErrorCode.METADATA_INVALID, f"{key} is required; send a value.", (*path, key)
            )
            for key, definition in self.definitions.items()
            if definition.effective_definition
            and definition.effective_definition.required
            and is_missing(stored.get(key))
            and (previous is None or key in sent_keys or not is_missing(previous.get(key)))
        ]

    def decode(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Returns stored metadata as JSON."""
        return {key: self._decode_value(key, value) for key, value in stored.items()}

    def _decode_value(self, key: str, stored: Any) -> Any:
        definition = self.definitions.get(key)
        return definition.decode_current(stored) if definition else to_json(stored)

    def to_catalog(self) -> Catalog:
        """Returns the types of all keys that are READY, for the parser of filters."""
        return Catalog(
            {
                key: filter_type
                for key, definition in self.definitions.items()
                if (filter_type := definition.filter_type)
            }
        )


def to_json(stored: Any) -> Any:
    """Returns a stored value as JSON. A BSON type without a JSON counterpart, which only another
    program can have written, becomes text."""
    # Scalars first: the test for a Mapping takes longer than all others.
    if stored is None or isinstance(stored, _JSON_SCALAR_TYPES):
        return stored
    if isinstance(stored, list):
        return [to_json(element) for element in stored]
    if isinstance(stored, Mapping):
        return {key: to_json(value) for key, value in stored.items()}
    if isinstance(stored, datetime):
        precision = "milliseconds" if stored.microsecond else "seconds"
        return stored.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
    return str(stored)


def build_metadata_schema(
    calendar: Calendar, definitions: Iterable[KeyDefinition]
) -> MetadataSchema:
    return MetadataSchema(calendar, {definition.key: definition for definition in definitions})
