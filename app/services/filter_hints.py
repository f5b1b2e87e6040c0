"""Hints about filters and columns that are valid, but probably not meant as they are."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

import structlog

from app.domain.hints import Hint
from app.errors import InputPath, QueryTimeout
from app.filters import Catalog
from app.filters.condition_paths import (
    LocatedCondition,
    located_conditions,
    located_properties,
)
from app.filters.fields import Field, FieldGroup
from app.filters.filter_json import FilterJson
from app.filters.parse import MAX_CONDITIONS, quote_for_message
from app.filters.sources import RESERVED_EVENT_NAMES, RowSource, event_source
from app.filters.suggestions import bigrams_by_word, suggest
from app.services.definitions import Definitions
from app.services.definitions_reader import DefinitionsReader
from app.services.value_hints import allowed_value_hints, order_status_hints
from app.store import Store
from app.store.field_probes import SAMPLE_SIZE, FieldProbe

log = structlog.get_logger()

MAX_HINTS = 50
MAX_PROBES = 100
MAX_SAMPLED_OBJECTS = 5

LocatedText = tuple[str, InputPath]
"""A path of an attribute or the name of an event, and where the input has it."""


class FilterHints:
    """Compares filters, and the columns of exports, with the stored data.

    The look-ups are bounded. If the database takes too long, there are no hints from it.
    """

    def __init__(self, store: Store, definitions: DefinitionsReader) -> None:
        self._store = store
        self._definitions = definitions

    async def find(self, filter_json: FilterJson, *path: str) -> list[Hint]:
        """Returns hints about a filter whose location in the input is `path`. An invalid condition
        gets none."""
        definitions = await self._definitions.latest()
        conditions = list(islice(located_conditions(filter_json, *path), MAX_CONDITIONS))
        attribute_conditions = [
            condition for condition in conditions if condition.kind == "attribute"
        ]
        event_conditions = [condition for condition in conditions if condition.kind == "event"]
        attribute_paths = [
            (condition.content["path"], (*condition.path, "path"))
            for condition in attribute_conditions
        ]
        hints = [
            *await self._stored_data_hints(attribute_paths, event_conditions, definitions),
            *allowed_value_hints(attribute_conditions, definitions),
            *order_status_hints(event_conditions, definitions),
        ]
        return hints[:MAX_HINTS]

    async def find_in_columns(self, columns: Sequence[str], *path: str) -> list[Hint]:
        """Returns hints about the columns of an export, whose list the input has at `path`."""
        definitions = await self._definitions.latest()
        attribute_paths = [(column, (*path, str(index))) for index, column in enumerate(columns)]
        return (await self._stored_data_hints(attribute_paths, (), definitions))[:MAX_HINTS]

    async def _stored_data_hints(
        self,
        attribute_paths: Sequence[LocatedText],
        event_conditions: Sequence[LocatedCondition],
        definitions: Definitions,
    ) -> list[Hint]:
        """Returns hints about metadata keys that no customer has, about names and properties that
        no event has, and about paths behind arrays."""
        located_names = [*_event_names(attribute_paths, event_conditions)]
        try:
            known_names = {*RESERVED_EVENT_NAMES}
            if located_names:
                known_names.update(await self._store.events.names())
            probes = _located_probes(
                attribute_paths, event_conditions, definitions.catalog, known_names
            )
            return [
                *await self._field_hints(list(islice(probes, MAX_PROBES)), definitions),
                *_event_name_hints(located_names, known_names),
            ]
        except QueryTimeout:
            log.warning("the look-ups for hints took too long")
            return []

    async def _field_hints(
        self, located_probes: Sequence[tuple[FieldProbe, InputPath]], definitions: Definitions
    ) -> list[Hint]:
        positive = await self._store.field_probes.positive(probe for probe, _ in located_probes)
        missing = [
            (probe, path)
            for probe, path in located_probes
            if not probe.behind_array and probe not in positive
        ]
        behind_arrays = [
            Hint(_behind_array_message(probe), path)
            for probe, path in located_probes
            if probe.behind_array and probe in positive
        ]
        return [
            *await self._missing_key_hints(
                [(probe.field, path) for probe, path in missing if probe.source is None],
                definitions,
            ),
            *await self._missing_property_hints(
                [(probe.source, probe.field, path) for probe, path in missing if probe.source]
            ),
            *behind_arrays,
        ]

    async def _missing_key_hints(
        self, missing: Sequence[tuple[Field, InputPath]], definitions: Definitions
    ) -> list[Hint]:
        if not missing:
            return []
        known_keys = {*definitions.catalog.metadata}
        known_keys.update(await self._store.value_samples.metadata_types())
        inner_keys = await self._known_inner_keys(
            field.document_keys[1:] for field, _ in missing if field.document_keys[1] in known_keys
        )
        known_keys.update(inner_keys)
        hints = []
        for field, path in missing:
            first_key = field.document_keys[1]
            key = ".".join(field.document_keys[1:]) if first_key in known_keys else first_key
            end = _nearest(key, known_keys, "metadata key")
            hints.append(
                Hint(f"No customer has a value at {quote_for_message(field.path)}{end}.", path)
            )
        return hints

    async def _known_inner_keys(self, missing_keys: Iterable[tuple[str, ...]]) -> set[str]:
        """Returns the keys beside the missing ones that lie in an object, like address.city."""
        parents = dict.fromkeys(keys[:-1] for keys in missing_keys if len(keys) > 1)
        return {
            ".".join((*parent, key))
            for parent in islice(parents, MAX_SAMPLED_OBJECTS)
            for key in await self._store.value_samples.metadata_types(*parent)
        }

    async def _missing_property_hints(
        self, missing: Sequence[tuple[RowSource, Field, InputPath]]
    ) -> list[Hint]:
        samples = await self._store.value_samples.events(source.name for source, _, _ in missing)
        hints = []
        for source, field, path in missing:
            sampled_keys = samples[source.name].property_types if source.name in samples else ()
            known_keys = {*source.standard_properties_by_path, *sampled_keys}
            hints.append(Hint(_missing_property_message(source, field, known_keys), path))
        return hints


def _located_probes(
    attribute_paths: Iterable[LocatedText],
    event_conditions: Iterable[LocatedCondition],
    catalog: Catalog,
    event_names: Collection[str],
) -> Iterator[tuple[FieldProbe, InputPath]]:
    """The questions about the stored data, each with the path of the input that it is about."""
    for attribute_path, path in attribute_paths:
        field = catalog.find_field(attribute_path)
        if field is not None and field.group is FieldGroup.METADATA:
            yield from _field_probes(field, None, path)
    for condition in event_conditions:
        if condition.content["name"] not in event_names:
            continue
        source = event_source(condition.content["name"])
        for property_path, path in located_properties(condition):
            field = source.find_property(property_path)
            if field is not None and property_path not in source.standard_properties_by_path:
                yield from _field_probes(field, source, path)


def _field_probes(
    field: Field, source: RowSource | None, path: InputPath
) -> Iterator[tuple[FieldProbe, InputPath]]:
    yield FieldProbe(field, source), path
    if len(field.document_keys) > 2:
        yield FieldProbe(field, source, behind_array=True), path


def _event_names(
    attribute_paths: Iterable[LocatedText], event_conditions: Iterable[LocatedCondition]
) -> Iterator[LocatedText]:
    """The names of events, each with the path of the input that names it. The program itself names
    the events of orders."""
    for attribute_path, path in attribute_paths:
        if attribute_path.startswith("events."):
            name = attribute_path.removeprefix("events.").rpartition(".")[0]
            if name not in RESERVED_EVENT_NAMES:
                yield name, path
    for condition in event_conditions:
        if condition.content["name"] not in RESERVED_EVENT_NAMES:
            yield condition.content["name"], (*condition.path, "name")


def _event_name_hints(
    located_names: Iterable[LocatedText], known_names: Collection[str]
) -> Iterator[Hint]:
    for name, path in located_names:
        if name not in known_names:
            message = (
                f"No event has the name {quote_for_message(name)}"
                f"{_nearest(name, known_names, 'name')}."
            )
            yield Hint(message, path)


def _missing_property_message(source: RowSource, field: Field, known_keys: Collection[str]) -> str:
    key = field.document_keys[len(source.free_properties_keys)]
    end = _nearest(key, known_keys, "property")
    if source.name in RESERVED_EVENT_NAMES:
        for name in RESERVED_EVENT_NAMES:
            if field.path in event_source(name).standard_properties_by_path:
                end = f"; it is a property of {quote_for_message(name)}"
    return (
        f"None of the last {SAMPLE_SIZE:,} events {quote_for_message(source.name)} has a value at"
        f" {quote_for_message(field.path)}{end}."
    )


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
