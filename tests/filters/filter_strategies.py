"""Random filters as callers send them, drawn from the language's own tables.

Values come from the customers, so that a filter seldom selects all or none. An operator whose kind
of operand is not listed here takes the values of its examples.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from app.filters import AttributeType, CustomerFacts
from app.filters.aggregates import AGGREGATES, Aggregate
from app.filters.calendar import Period
from app.filters.fields import FIELDS, Field, is_geopoint, is_number
from app.filters.operators import OPERATORS, Operator
from app.filters.parse import MEASURE_OPERATORS
from app.filters.sources import event_source
from app.filters.values import (
    CALENDAR_DAY,
    CIRCLE,
    DAYS,
    DURATION,
    ELEMENTS,
    INTEGER,
    LIST,
    MOMENT,
    NON_EMPTY_TEXT,
    NOTHING,
    NUMBER,
    ONE_VALUE,
    PERIOD,
    RANGE,
    YEARS,
    OperandKind,
)
from tests.filters import corpus

Wire = dict[str, Any]
ValuesByType = Mapping[type, list[Any]]
_INSTANT_TYPES = {AttributeType.DATE, AttributeType.DATETIME}
_ZONES = (UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-9, minutes=-30)))
_FREE_PATHS = (
    *(f"metadata.{key}" for key in corpus.FREE_KEYS),
    *(f"metadata.{key}.{inner}" for key in ("a", "b", "thing") for inner in ("a", "b", "0")),
    *("metadata.a.a.b", "metadata.a.0.0", "metadata.b.b.a", "metadata.thing.a.b"),
)
_PATHS = (
    *(field.path for field in FIELDS),
    *(f"metadata.{key}" for key in corpus.CATALOG.metadata),
    *_FREE_PATHS,
    *(
        f"events.{name}.{m}"
        for name in corpus.SUMMARIZED_EVENT_NAMES
        for m in ("count", "firstAt", "lastAt")
    ),
)


def _find_field(path: str) -> Field:
    field = corpus.CATALOG.find_field(path)
    assert field is not None, path
    return field


class FilterStrategies:
    """Strategies for filters on the values of given customers."""

    def __init__(self, customers: Mapping[Any, CustomerFacts]) -> None:
        self._fields = {path: _find_field(path) for path in _PATHS}
        self._values: dict[str, dict[type, list[Any]]] = {
            path: _group_by_type(field.read(facts.document) for facts in customers.values())
            for path, field in self._fields.items()
        }
        sources = {name: event_source(name) for name in corpus.EVENT_NAMES}
        rows = {
            name: [
                row
                for facts in customers.values()
                for row in source.select_rows(facts.rows.get(source.collection, ()))
            ]
            for name, source in sources.items()
        }
        self._properties = {
            (name, path): field
            for name in corpus.EVENT_NAMES
            for path in corpus.properties_of(name)
            if (field := sources[name].find_property(path))
        }
        self._row_values = {
            (name, path): _group_by_type(field.read(row) for row in rows[name])
            for (name, path), field in self._properties.items()
        }

    def filters(self) -> st.SearchStrategy[Wire]:
        """Draws a tree of conditions; one in eight is on events, the slowest kind."""
        leaves = [self.attributes()] * 6
        return st.recursive(
            st.one_of([*leaves, self.events(), self.segments()]),
            lambda inner: st.builds(
                lambda kind, branches: {kind: branches},
                st.sampled_from(("all", "any", "none")),
                st.lists(inner, min_size=1, max_size=3),
            ),
            max_leaves=5,
        )

    @st.composite
    @staticmethod
    def _condition(
        draw: st.DrawFn,
        field: Field,
        values: ValuesByType,
        operators: Sequence[Operator],
        path: str,
    ) -> Wire:
        applicable = [o for o in operators if o.is_applicable_to(field)]
        operator = draw(st.sampled_from(applicable))
        types = sorted(operator.types - {AttributeType.GEOPOINT, AttributeType.OBJECT}, key=str)
        type_ = field.type or draw(st.sampled_from(types or [AttributeType.STRING]))
        condition: Wire = {"path": path, "operator": operator.name}
        value = draw(_operand_values(operator, type_, values))
        if value is not None:
            condition["value"] = value
        if operator.takes_ignore_case and type_ is AttributeType.STRING and draw(st.booleans()):
            condition["ignoreCase"] = True
        return condition

    def attributes(self, operators: Sequence[Operator] = OPERATORS) -> st.SearchStrategy[Wire]:
        """Draws a condition on an attribute that the operator accepts."""
        paths = [path for path, field in self._fields.items() if _is_applicable(field, operators)]
        return st.sampled_from(paths).flatmap(
            lambda path: self._condition(
                self._fields[path], self._values[path], operators, path
            ).map(lambda inner: {"attribute": inner})
        )

    def segments(self) -> st.SearchStrategy[Wire]:
        """Draws a condition on membership in another segment."""
        conditions = st.fixed_dictionaries(
            {"id": st.sampled_from([*corpus.SEGMENTS, *corpus.LIST_SHARES])},
            optional={"member": st.booleans()},
        )
        return conditions.map(lambda inner: {"segment": inner})

    def events(
        self,
        *required: str,
        aggregates: Sequence[Aggregate] = AGGREGATES,
        operators: Sequence[Operator] = OPERATORS,
    ) -> st.SearchStrategy[Wire]:
        """Draws a condition on the events of a name, with an aggregate, a window and a `where`."""
        return st.sampled_from(corpus.EVENT_NAMES).flatmap(
            lambda name: self._event(name, required, aggregates, self._where(name, operators)).map(
                lambda inner: {"event": inner}
            )
        )

    def items(self) -> st.SearchStrategy[Wire]:
        """Draws a condition on the items of orders, with a `where`."""
        name = "order.item"
        return self._event(name, ("where",), AGGREGATES, self._where(name, OPERATORS)).map(
            lambda inner: {"event": inner}
        )

    def _event(
        self,
        name: str,
        required: Sequence[str],
        aggregates: Sequence[Aggregate],
        where: st.SearchStrategy[Wire],
    ) -> st.SearchStrategy[Wire]:
        optional_parts: dict[str, st.SearchStrategy[Any]] = {
            "where": st.lists(where, min_size=int("where" in required), max_size=2),
            "within": _windows(),
            "aggregate": _aggregates(name, aggregates),
        }
        required_parts = {"name": st.just(name)} | {
            part: optional_parts.pop(part) for part in required
        }
        return st.builds(
            lambda wire, compared: wire | compared,
            st.fixed_dictionaries(required_parts, optional=optional_parts),
            _measure_comparisons(),
        )

    def _where(self, name: str, operators: Sequence[Operator]) -> st.SearchStrategy[Wire]:
        fields = {path: self._properties[name, path] for path in corpus.properties_of(name)}
        return st.sampled_from(
            [p for p, f in fields.items() if _is_applicable(f, operators)]
        ).flatmap(
            lambda path: self._condition(
                fields[path], self._row_values[name, path], operators, path
            )
        )


def _is_applicable(field: Field, operators: Sequence[Operator]) -> bool:
    return any(operator.is_applicable_to(field) for operator in operators)


def _group_by_type(values: Any) -> dict[type, list[Any]]:
    """Groups the stored values, and the elements of arrays, by type, as a client sends them."""
    values_by_type: defaultdict[type, list[Any]] = defaultdict(list)
    for value in values:
        for element in value if isinstance(value, list) else [value]:
            value_type = float if is_number(element) else type(element)
            if value_type is not float or float("-inf") < element < float("inf"):
                values_by_type[value_type].append(element)
    return values_by_type


def _aggregates(event_name: str, aggregates: Sequence[Aggregate]) -> st.SearchStrategy[Wire]:
    return st.fixed_dictionaries(
        {
            "function": st.sampled_from([aggregate.name for aggregate in aggregates]),
            "property": st.sampled_from(("amount", *corpus.properties_of(event_name))),
        }
    )


def _measure_comparisons() -> st.SearchStrategy[Wire]:
    """Draws a comparison of a measure; empty for the default."""
    numbers: ValuesByType = {float: [0, 0, 1, 1, 2, 3, 10, 100, 100.0, -5, 2.5]}
    comparisons = st.sampled_from(MEASURE_OPERATORS).flatmap(
        lambda operator: st.fixed_dictionaries(
            {
                "operator": st.just(operator.name),
                "value": _operand_values(operator, AttributeType.NUMBER, numbers),
            }
        )
    )
    return st.one_of(st.just({}), comparisons, comparisons, comparisons)


def _windows() -> st.SearchStrategy[Wire]:
    instants = st.sampled_from([now.at for now in corpus.NOWS])
    ranges = st.tuples(instants, instants).map(sorted)
    return st.one_of(
        st.sampled_from(corpus.DURATIONS).map(lambda last: {"last": last}),
        ranges.map(lambda r: {"between": {"from": r[0].isoformat(), "to": r[1].isoformat()}}),
    )


def _operand_values(
    operator: Operator, type_: AttributeType, values: ValuesByType
) -> st.SearchStrategy[Any]:
    """Draws operand values for an operator and a type."""
    examples = [e.value for e in operator.examples if e.type in (type_, None)]
    if operator.operand_kind not in _VALUE_STRATEGIES:
        return st.sampled_from(examples or [e.value for e in operator.examples])
    return _VALUE_STRATEGIES[operator.operand_kind](type_, values)


def _scalars(type_: AttributeType, values: ValuesByType) -> st.SearchStrategy[Any]:
    match type_:
        case AttributeType.STRING:
            return st.sampled_from([*values.get(str, ()), *corpus.TEXTS[:20]])
        case AttributeType.NUMBER:
            return st.sampled_from([*values.get(float, ()), *corpus.NUMBERS])
        case AttributeType.BOOLEAN:
            return st.booleans()
        case _:
            return _instant_texts(type_, values)


def _instants(values: ValuesByType) -> st.SearchStrategy[datetime]:
    return st.sampled_from(values.get(datetime) or [now.at for now in corpus.NOWS])


def _instant_texts(_: AttributeType, values: ValuesByType) -> st.SearchStrategy[str]:
    """Draws a date, an instant with an offset, or a local time."""
    return st.builds(_format_instant, _instants(values), st.sampled_from(("day", "local", *_ZONES)))


def _format_instant(instant: datetime, format_: Any) -> str:
    if format_ == "day":
        return instant.date().isoformat()
    if format_ == "local":
        return instant.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return instant.astimezone(format_).isoformat(timespec="milliseconds")


def _text_parts(_: AttributeType, values: ValuesByType) -> st.SearchStrategy[str]:
    """Draws a part of a stored text."""
    texts = [text for text in values.get(str, ()) if text] or [
        text for text in corpus.TEXTS if text
    ]
    lengths = st.sampled_from((1, 1, 2, 3, 99))
    return st.builds(
        lambda text, length, end: text[-length:] if end else text[:length],
        st.sampled_from(texts),
        lengths,
        st.booleans(),
    )


def _elements(type_: AttributeType, values: ValuesByType) -> st.SearchStrategy[Any]:
    """Draws elements, mostly one or two, so that an array may contain all; some texts in another
    case."""
    element = _scalars(type_, values)
    if type_ is AttributeType.STRING and str in values:
        element = st.sampled_from([s for text in values[str] for s in (text, text.swapcase())])
    return st.sampled_from((1, 1, 1, 2, 3)).flatmap(
        lambda size: st.lists(element, min_size=size, max_size=size)
    )


def _ranges(type_: AttributeType, values: ValuesByType) -> st.SearchStrategy[Any]:
    if type_ not in _INSTANT_TYPES:
        bound = _scalars(type_, values)
        return st.tuples(bound, bound).map(lambda two: sorted(two))
    instants = _instants(values)
    return st.builds(
        lambda two, form: [_format_instant(bound, form) for bound in sorted(two)],
        st.tuples(instants, instants),
        st.sampled_from(("day", "local", *_ZONES)),
    )


def _calendar_days(_: AttributeType, values: ValuesByType) -> st.SearchStrategy[str]:
    return st.builds(_format_instant, _instants(values), st.just("day"))


def _years() -> st.SearchStrategy[Any]:
    """Draws a number of years, or two bounds of which one may be open."""
    years = st.sampled_from((0, 0, 1, 7, 8, 14, 15, 16, 25, 26, 40, 96))
    return st.one_of(
        years,
        st.tuples(years, years).map(sorted),
        years.map(lambda least: [least, None]),
        years.map(lambda most: [None, most]),
    )


def _circles(_: AttributeType, values: ValuesByType) -> st.SearchStrategy[Wire]:
    """Draws a circle around a stored point, or around its antipode."""
    points = [place for place in values.get(dict, ()) if is_geopoint(place)] or [
        {"lat": 0, "lon": 0}
    ]
    opposite = [
        {"lat": -p["lat"], "lon": p["lon"] - 180 * (1 if p["lon"] > 0 else -1)} for p in points
    ]
    meters = st.sampled_from((0, 0, 1, 111.2, 300, 5_000, 15e6, 20_015_114.35, 20_015_115, 1e300))
    return st.builds(
        lambda place, length: {**place, "meters": length},
        st.sampled_from([*points, *points, *opposite]),
        meters,
    )


_VALUE_STRATEGIES: dict[
    OperandKind, Callable[[AttributeType, ValuesByType], st.SearchStrategy[Any]]
] = {
    NOTHING: lambda *_: st.none(),
    ONE_VALUE: _scalars,
    LIST: lambda *about: st.lists(_scalars(*about), min_size=1, max_size=4),
    ELEMENTS: _elements,
    NON_EMPTY_TEXT: _text_parts,
    NUMBER: lambda _, seen: _scalars(AttributeType.NUMBER, seen),
    INTEGER: lambda *_: st.sampled_from((0, 0, 1, 1, 2, 3, -1, 2**63 - 1)),
    RANGE: _ranges,
    MOMENT: _instant_texts,
    DURATION: lambda *_: st.sampled_from(corpus.DURATIONS),
    CALENDAR_DAY: _calendar_days,
    DAYS: lambda *_: st.sampled_from((0, 0, 1, 1, 2, 7, 30, 364, 365, 400, 36_525)),
    PERIOD: lambda *_: st.sampled_from(list(Period.__members__)),
    YEARS: lambda *_: _years(),
    CIRCLE: _circles,
}
