"""Random filters as callers send them, drawn from the language's own tables.

Values are taken from what the customers have, so that an answer is seldom all or none. An operator
that takes something new is asked with the values of its own examples.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from app.filters import AttributeType, Facts
from app.filters.aggregates import AGGREGATES, Aggregate
from app.filters.calendar import Period
from app.filters.fields import FIELDS, Field, is_number, is_point
from app.filters.operators import OPERATORS, Operator
from app.filters.parse import COMPARISONS
from app.filters.sources import source
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
    Takes,
)
from tests.filters import corpus

Wire = dict[str, Any]
Seen = Mapping[type, list[Any]]
_MOMENTS = {AttributeType.DATE, AttributeType.DATETIME}
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
    *(f"events.{name}.{m}" for name in corpus.SUMMARIZED for m in ("count", "firstAt", "lastAt")),
)


def _find(path: str) -> Field:
    field = corpus.CATALOG.find(path)
    assert field is not None, path
    return field


class Filters:
    """The strategies, over the values of certain customers."""

    def __init__(self, customers: Mapping[Any, Facts]) -> None:
        self._fields = {path: _find(path) for path in _PATHS}
        self._seen: dict[str, dict[type, list[Any]]] = {
            path: _by_type(field.read(facts.document) for facts in customers.values())
            for path, field in self._fields.items()
        }
        rows = [
            row for facts in customers.values() for found in facts.rows.values() for row in found
        ]
        self._properties = {
            (name, path): field
            for name in corpus.EVENT_NAMES
            for path in corpus.PROPERTIES
            if (field := source(name).find(path))
        }
        self._seen_in_rows = {
            (name, path): _by_type(field.read(row) for row in rows)
            for (name, path), field in self._properties.items()
        }

    def filters(self) -> st.SearchStrategy[Wire]:
        """A tree of conditions; one in eight is on events, which cost the most."""
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
        seen: Seen,
        operators: Sequence[Operator],
        path: str,
    ) -> Wire:
        fitting = [o for o in operators if o.fits(field)]
        operator = draw(st.sampled_from(fitting))
        types = sorted(operator.types - {AttributeType.GEOPOINT, AttributeType.OBJECT}, key=str)
        type_ = field.type or draw(st.sampled_from(types or [AttributeType.STRING]))
        condition: Wire = {"path": path, "operator": operator.name}
        value = draw(_value(operator, type_, seen))
        if value is not None:
            condition["value"] = value
        if operator.takes_case and type_ is AttributeType.STRING and draw(st.booleans()):
            condition["ignoreCase"] = True
        return condition

    def attributes(self, operators: Sequence[Operator] = OPERATORS) -> st.SearchStrategy[Wire]:
        """A condition on a path that fits one of the operators."""
        paths = [path for path, field in self._fields.items() if _fits(field, operators)]
        return st.sampled_from(paths).flatmap(
            lambda path: self._condition(self._fields[path], self._seen[path], operators, path).map(
                lambda inner: {"attribute": inner}
            )
        )

    def segments(self) -> st.SearchStrategy[Wire]:
        """A condition on membership in another segment."""
        conditions = st.fixed_dictionaries(
            {"id": st.sampled_from([*corpus.SEGMENTS, *corpus.LISTS])},
            optional={"member": st.booleans()},
        )
        return conditions.map(lambda inner: {"segment": inner})

    def events(
        self,
        *needed: str,
        aggregates: Sequence[Aggregate] = AGGREGATES,
        operators: Sequence[Operator] = OPERATORS,
    ) -> st.SearchStrategy[Wire]:
        """A condition on the events of a name, with what is needed of its parts, and those of the
        operators in its `where`."""
        return st.sampled_from(corpus.EVENT_NAMES).flatmap(
            lambda name: self._event(name, needed, aggregates, self._where(name, operators)).map(
                lambda inner: {"event": inner}
            )
        )

    def _event(
        self,
        name: str,
        needed: Sequence[str],
        aggregates: Sequence[Aggregate],
        where: st.SearchStrategy[Wire],
    ) -> st.SearchStrategy[Wire]:
        parts: dict[str, st.SearchStrategy[Any]] = {
            "where": st.lists(where, min_size=int("where" in needed), max_size=2),
            "within": _windows(),
            "aggregate": _aggregated(aggregates),
        }
        given = {"name": st.just(name)} | {part: parts.pop(part) for part in needed}
        return st.builds(
            lambda wire, compared: wire | compared,
            st.fixed_dictionaries(given, optional=parts),
            _compared(),
        )

    def _where(self, name: str, operators: Sequence[Operator]) -> st.SearchStrategy[Wire]:
        fields = {path: self._properties[name, path] for path in corpus.PROPERTIES}
        return st.sampled_from([p for p, f in fields.items() if _fits(f, operators)]).flatmap(
            lambda path: self._condition(
                fields[path], self._seen_in_rows[name, path], operators, path
            )
        )


def _fits(field: Field, operators: Sequence[Operator]) -> bool:
    return any(operator.fits(field) for operator in operators)


def _by_type(stored: Any) -> dict[type, list[Any]]:
    """What is stored, the elements of arrays too, as it may be sent back."""
    found: defaultdict[type, list[Any]] = defaultdict(list)
    for value in stored:
        for element in value if isinstance(value, list) else [value]:
            kind = float if is_number(element) else type(element)
            if kind is not float or float("-inf") < element < float("inf"):
                found[kind].append(element)
    return found


def _aggregated(aggregates: Sequence[Aggregate]) -> st.SearchStrategy[Wire]:
    return st.fixed_dictionaries(
        {
            "function": st.sampled_from([aggregate.name for aggregate in aggregates]),
            "property": st.sampled_from(("amount", *corpus.PROPERTIES)),
        }
    )


def _compared() -> st.SearchStrategy[Wire]:
    """What a measure is compared with; nothing for the default."""
    numbers: Seen = {float: [0, 0, 1, 1, 2, 3, 10, 100, 100.0, -5, 2.5]}
    asked = st.sampled_from(COMPARISONS).flatmap(
        lambda operator: st.fixed_dictionaries(
            {
                "operator": st.just(operator.name),
                "value": _value(operator, AttributeType.NUMBER, numbers),
            }
        )
    )
    return st.one_of(st.just({}), asked, asked, asked)


def _windows() -> st.SearchStrategy[Wire]:
    instants = st.sampled_from([now.at for now in corpus.NOWS])
    ranges = st.tuples(instants, instants).map(sorted)
    return st.one_of(
        st.sampled_from(corpus.DURATIONS).map(lambda last: {"last": last}),
        ranges.map(lambda r: {"between": {"from": r[0].isoformat(), "to": r[1].isoformat()}}),
    )


def _value(operator: Operator, type_: AttributeType, seen: Seen) -> st.SearchStrategy[Any]:
    """What the operator takes, of the type."""
    examples = [e.value for e in operator.examples if e.type in (type_, None)]
    if operator.takes not in _TAKEN:
        return st.sampled_from(examples or [e.value for e in operator.examples])
    return _TAKEN[operator.takes](type_, seen)


def _one(type_: AttributeType, seen: Seen) -> st.SearchStrategy[Any]:
    match type_:
        case AttributeType.STRING:
            return st.sampled_from([*seen.get(str, ()), *corpus.TEXTS[:20]])
        case AttributeType.NUMBER:
            return st.sampled_from([*seen.get(float, ()), *corpus.NUMBERS])
        case AttributeType.BOOLEAN:
            return st.booleans()
        case _:
            return _moment(type_, seen)


def _instants(seen: Seen) -> st.SearchStrategy[datetime]:
    return st.sampled_from(seen.get(datetime) or [now.at for now in corpus.NOWS])


def _moment(_: AttributeType, seen: Seen) -> st.SearchStrategy[str]:
    """A day, an instant at some offset, or local time."""
    return st.builds(_as_text, _instants(seen), st.sampled_from(("day", "local", *_ZONES)))


def _as_text(instant: datetime, form: Any) -> str:
    if form == "day":
        return instant.date().isoformat()
    if form == "local":
        return instant.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return instant.astimezone(form).isoformat(timespec="milliseconds")


def _text(_: AttributeType, seen: Seen) -> st.SearchStrategy[str]:
    """A part of a text that somebody has."""
    texts = [text for text in seen.get(str, ()) if text] or [text for text in corpus.TEXTS if text]
    lengths = st.sampled_from((1, 1, 2, 3, 99))
    return st.builds(
        lambda text, length, end: text[-length:] if end else text[:length],
        st.sampled_from(texts),
        lengths,
        st.booleans(),
    )


def _elements(type_: AttributeType, seen: Seen) -> st.SearchStrategy[Any]:
    """Mostly one or two, for an array to hold them all; of text in another case too."""
    one = _one(type_, seen)
    if type_ is AttributeType.STRING and str in seen:
        one = st.sampled_from([s for text in seen[str] for s in (text, text.swapcase())])
    return st.sampled_from((1, 1, 1, 2, 3)).flatmap(
        lambda size: st.lists(one, min_size=size, max_size=size)
    )


def _range(type_: AttributeType, seen: Seen) -> st.SearchStrategy[Any]:
    if type_ not in _MOMENTS:
        one = _one(type_, seen)
        return st.tuples(one, one).map(lambda two: sorted(two))
    instants = _instants(seen)
    return st.builds(
        lambda two, form: [_as_text(one, form) for one in sorted(two)],
        st.tuples(instants, instants),
        st.sampled_from(("day", "local", *_ZONES)),
    )


def _calendar_day(_: AttributeType, seen: Seen) -> st.SearchStrategy[str]:
    return st.builds(_as_text, _instants(seen), st.just("day"))


def _years() -> st.SearchStrategy[Any]:
    """A number of years, or two bounds of which one may be open."""
    years = st.sampled_from((0, 0, 1, 7, 8, 14, 15, 16, 25, 26, 40, 96))
    return st.one_of(
        years,
        st.tuples(years, years).map(sorted),
        years.map(lambda least: [least, None]),
        years.map(lambda most: [None, most]),
    )


def _circle(_: AttributeType, seen: Seen) -> st.SearchStrategy[Wire]:
    """Around a place that somebody has, or one as far from it as can be."""
    places = [place for place in seen.get(dict, ()) if is_point(place)] or [{"lat": 0, "lon": 0}]
    opposite = [
        {"lat": -p["lat"], "lon": p["lon"] - 180 * (1 if p["lon"] > 0 else -1)} for p in places
    ]
    meters = st.sampled_from((0, 0, 1, 111.2, 300, 5_000, 15e6, 20_015_114.35, 20_015_115, 1e300))
    return st.builds(
        lambda place, length: {**place, "meters": length},
        st.sampled_from([*places, *places, *opposite]),
        meters,
    )


_TAKEN: dict[Takes, Callable[[AttributeType, Seen], st.SearchStrategy[Any]]] = {
    NOTHING: lambda *_: st.none(),
    ONE_VALUE: _one,
    LIST: lambda *about: st.lists(_one(*about), min_size=1, max_size=4),
    ELEMENTS: _elements,
    NON_EMPTY_TEXT: _text,
    NUMBER: lambda _, seen: _one(AttributeType.NUMBER, seen),
    INTEGER: lambda *_: st.sampled_from((0, 0, 1, 1, 2, 3, -1, 2**63 - 1)),
    RANGE: _range,
    MOMENT: _moment,
    DURATION: lambda *_: st.sampled_from(corpus.DURATIONS),
    CALENDAR_DAY: _calendar_day,
    DAYS: lambda *_: st.sampled_from((0, 0, 1, 1, 2, 7, 30, 364, 365, 400, 36_525)),
    PERIOD: lambda *_: st.sampled_from(list(Period.__members__)),
    YEARS: lambda *_: _years(),
    CIRCLE: _circle,
}
