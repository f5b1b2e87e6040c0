"""Parses the API's MetadataDefinitionInput."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from app.domain.inputs import InputObject
from app.domain.json_values import require_json_value
from app.domain.metadata import DefinitionState, KeyDefinition
from app.errors import InputError, Problem, UserErrorCode
from app.filters.calendar import Calendar
from app.filters.fields import AttributeType, is_property_key, is_storable

MAX_ALLOWED_VALUES = 1_000
MAX_ALLOWED_VALUES_BYTES = 1024 * 1024
MAX_LABEL_LENGTH = 100


def parse_definition(input_object: InputObject, calendar: Calendar) -> KeyDefinition:
    """Parses a MetadataDefinitionInput. Raises InputError with all problems at once."""
    problems = []

    def add_problem(message: str, *path: str) -> None:
        problems.append(Problem(UserErrorCode.INVALID, message, ("input", *path)))

    key, label = input_object["key"], input_object.get("label")
    allowed_values = input_object.get("allowedValues")
    requested = KeyDefinition(
        key,
        AttributeType(input_object["type"]),
        is_array=bool(input_object.get("isArray")),
        required=bool(input_object.get("required")),
        label=label,
        state=DefinitionState.CHECKING,
    )
    if not is_property_key(key):
        add_problem("A key has 1 to 100 characters, no dot, no NUL, and no $ at its start.", "key")
    if label is not None and (len(label) > MAX_LABEL_LENGTH or not is_storable(label)):
        add_problem(f"A label has at most {MAX_LABEL_LENGTH} characters, without NUL.", "label")
    if allowed_values is not None:
        requested = replace(
            requested,
            allowed_values=_parse_allowed_values(allowed_values, requested, calendar, add_problem),
        )
    if problems:
        raise InputError(problems)
    return requested


def _parse_allowed_values(
    values: Sequence[Any],
    definition: KeyDefinition,
    calendar: Calendar,
    add_problem: Callable[..., None],
) -> tuple[Any, ...]:
    """Returns the allowed values as they are stored. For a list they are values of its elements."""
    if not 1 <= len(values) <= MAX_ALLOWED_VALUES:
        add_problem(f"List 1 to {MAX_ALLOWED_VALUES:,} values, or leave it out.", "allowedValues")
        return ()
    element_definition = replace(definition, is_array=False)
    parsed_values = []
    for index, value in enumerate(values):
        try:
            parsed_values.append(element_definition.parse(require_json_value(value), calendar))
        except ValueError as error:
            message = f"The value {error}; the type is {definition.type.value}."
            add_problem(message, "allowedValues", str(index))
    if sum(len(orjson.dumps(value)) for value in parsed_values) > MAX_ALLOWED_VALUES_BYTES:
        add_problem("The allowed values exceed 1 MiB; list fewer.", "allowedValues")
    return tuple(parsed_values)
