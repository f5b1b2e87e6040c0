"""Hints about filters that are valid, but probably not meant as they are."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import structlog

from app.errors import InputError, InputPath, QueryTimeout
from app.filters import Calendar, Catalog, parse
from app.filters.condition_paths import (
    LocatedCondition,
    located_conditions,
    located_properties,
)
from app.filters.descriptions import describe_value
from app.filters.fields import TEMPORAL_TYPES, Field, FieldGroup
from app.filters.filter_json import FilterJson
from app.filters.parse import MAX_CONDITIONS, quote_for_message
from app.filters.sources import RESERVED_EVENT_NAMES, event_source
from app.filters.suggestions import bigrams_by_word, suggest
from app.filters.tree import AttributeCondition
from app.services.definitions import Definitions
from app.services.definitions_reader import DefinitionsReader
from app.store import Store
from app.store.field_probes import FieldProbe

log = structlog.get_logger()

MAX_HINTS = 50
MAX_PROBES = 100
_EQUALITY_OPERATORS = frozenset(
    ("IS", "IS_NOT", "IN", "NOT_IN", "CONTAINS_ALL", "CONTAINS_ANY", "CONTAINS_NONE")
)


@dataclass(frozen=True)
class Hint:
    """What is probably not meant; `path` locates it in the input."""

    message: str
    path: InputPath


class FilterHints:
    """Compares filters with the stored data."""

    def __init__(self, store: Store, definitions: DefinitionsReader) -> None:
        self._store = store
        self._definitions = definitions

    async def find(self, filter_json: FilterJson, *path: str) -> list[Hint]:
        """Returns hints about a filter whose location in the input is `path`.

        An invalid condition gets none. The look-ups are bounded. If the database takes too long,
        there are no hints.
        """
        definitions = await self._definitions.latest()
        conditions = list(islice(located_conditions(filter_json, *path), MAX_CONDITIONS))
        try:
            hints = [
                *await self._field_hints(conditions, definitions),
                *await self._event_name_hints(conditions),
                *_allowed_value_hints(conditions, definitions),
            ]
        except QueryTimeout:
            log.warning("the look-ups for hints about a filter took too long")
            return []
        return hints[:MAX_HINTS]

    async def _field_hints(
        self, conditions: Sequence[LocatedCondition], definitions: Definitions
    ) -> list[Hint]:
        """Hints about metadata keys that no customer has, and about paths behind arrays."""
        located_probes = list(islice(_probes(conditions, definitions.catalog), MAX_PROBES))
        positive = await self._store.field_probes.positive(probe for probe, _ in located_probes)
        missing = [
            (probe.field, path)
            for probe, path in located_probes
            if not probe.behind_array and probe not in positive
        ]
        behind_arrays = [
            Hint(_behind_array_message(probe), path)
            for probe, path in located_probes
            if probe.behind_array and probe in positive
        ]
        return [*await self._missing_key_hints(missing, definitions), *behind_arrays]

    async def _missing_key_hints(
        self, missing: Sequence[tuple[Field, InputPath]], definitions: Definitions
    ) -> list[Hint]:
        if not missing:
            return []
        known_keys = {*definitions.catalog.metadata}
        known_keys.update(await self._store.value_samples.metadata_types())
        return [
            Hint(
                f"No customer has a value at {quote_for_message(field.path)}"
                f"{_nearest(field.document_keys[1], known_keys, 'metadata key')}.",
                path,
            )
            for field, path in missing
        ]

    async def _event_name_hints(self, conditions: Sequence[LocatedCondition]) -> list[Hint]:
        located_names = [*_event_names(conditions)]
        if not located_names:
            return []
        known_names = {*RESERVED_EVENT_NAMES, *await self._store.events.names()}
        return [
            Hint(
                f"No event has the name {quote_for_message(name)}"
                f"{_nearest(name, known_names, 'name')}.",
                path,
            )
            for name, path in located_names
            if name not in known_names
        ]


def _probes(
    conditions: Iterable[LocatedCondition], catalog: Catalog
) -> Iterator[tuple[FieldProbe, InputPath]]:
    """The questions about the stored data, each with the path of the input that it is about."""
    for condition in conditions:
        if condition.kind == "attribute":
            field = catalog.find_field(condition.content["path"])
            path = (*condition.path, "path")
            if field is not None and field.group is FieldGroup.METADATA:
                yield FieldProbe(field), path
                if len(field.document_keys) > 2:
                    yield FieldProbe(field, behind_array=True), path
        elif condition.kind == "event":
            source = event_source(condition.content["name"])
            for property_path, path in located_properties(condition):
                field = source.find_property(property_path)
                if field is not None and len(field.document_keys) > 2:
                    yield FieldProbe(field, source, behind_array=True), path


def _event_names(conditions: Iterable[LocatedCondition]) -> Iterator[tuple[str, InputPath]]:
    """The names of custom events, each with the path of the input that names it."""
    for condition in conditions:
        if condition.kind == "event":
            name, path = condition.content["name"], (*condition.path, "name")
        elif condition.kind == "attribute" and condition.content["path"].startswith("events."):
            name = condition.content["path"].removeprefix("events.").rpartition(".")[0]
            path = (*condition.path, "path")
        else:
            continue
        # The program itself names the events of orders.
        if name not in RESERVED_EVENT_NAMES:
            yield name, path


def _allowed_value_hints(
    conditions: Iterable[LocatedCondition], definitions: Definitions
) -> Iterator[Hint]:
    """Hints about values that the definition of a metadata key does not allow."""
    schema = definitions.metadata_schema
    for condition in conditions:
        if (
            condition.kind != "attribute"
            or condition.content["operator"] not in _EQUALITY_OPERATORS
        ):
            continue
        key = condition.content["path"].removeprefix("metadata.")
        definition = schema.definitions.get(key)
        if key == condition.content["path"] or definition is None or not definition.filter_type:
            continue
        effective = definition.effective_definition
        if effective is None or effective.allowed_values is None:
            continue
        try:
            tree = parse({"attribute": condition.content}, definitions.catalog)
        except InputError:
            continue
        assert isinstance(tree, AttributeCondition)
        allowed_text = describe_value(
            tuple(effective.decode(value) for value in effective.allowed_values)
        )
        for index in _values_outside(tree, effective.allowed_values, schema.calendar):
            value, path = tree.operand.value, (*condition.path, "value")
            if isinstance(value, tuple):
                value, path = value[index], (*path, str(index))
            message = (
                f"{describe_value(value)} is not among the allowed values of {key!r}, which are"
                f" {allowed_text}."
            )
            yield Hint(message, path)


def _values_outside(
    condition: AttributeCondition, allowed_values: Sequence[Any], calendar: Calendar
) -> Iterator[int]:
    """The indexes of the condition's values that equal none of the allowed ones."""
    operand = condition.operand
    values = operand.value if isinstance(operand.value, tuple) else (operand.value,)
    if operand.type in TEMPORAL_TYPES:
        ordering, sorted_values = operand.ordering_class(calendar), sorted(allowed_values)
        for index, value in enumerate(values):
            start, end = ordering.span(value, value)
            position = bisect_left(sorted_values, start)
            if position == len(sorted_values) or sorted_values[position] >= end:
                yield index
        return
    allowed_keys = set(map(operand.equality_key, allowed_values))
    for index, value in enumerate(values):
        if operand.equality_key(value) not in allowed_keys:
            yield index


def _behind_array_message(probe: FieldProbe) -> str:
    rows = "customers" if probe.source is None else "events"
    return (
        f"Some stored {rows} have an array on the way to {quote_for_message(probe.field.path)}. A"
        " path does not reach into an array, so that the value is missing there."
    )


def _nearest(text: str, known: Collection[str], subject: str) -> str:
    """The end of a sentence that names the known word nearest to an unknown one."""
    if not known or text in known:
        return ""
    return f"; the nearest {subject} is {suggest(text, bigrams_by_word(known))!r}"
