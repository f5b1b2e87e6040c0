"""From the shape of FilterInput to a tree: every problem at once, each with its path."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.errors import Code, Path, Problem, Refused
from app.filters import aggregates, operators
from app.filters.calendar import cut, read_datetime, read_duration
from app.filters.catalog import Catalog
from app.filters.fields import AttributeType, Field, is_event_name, is_number
from app.filters.operators import Operand, Operator
from app.filters.sources import Source, source
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Last,
    Listed,
    Measure,
    Member,
    NoneOf,
    Range,
    Window,
)
from app.filters.values import NUMBER, ONE_VALUE, RANGE, UnreadableError
from app.filters.walk import LETTER_OF_ANY_CASE, conditions, inside, segments_deep, weight

Wire = Mapping[str, Any]
"""A filter in the shape of the API's FilterInput, as plain JSON."""

MOST_CONDITIONS = 200
MOST_LEVELS = 10
MOST_VALUES = 20_000
# With the segments inside.
MOST_SEGMENTS_DEEP = 10
MOST_CONDITIONS_IN_ALL = 1_000
# MongoDB takes 16 MiB in one question, and in one document.
HEAVIEST = 12_000_000
_TOO_MUCH_TEXT = "holds more text than the database takes in one question"

_GROUPS: dict[str, type[AllOf | AnyOf | NoneOf]] = {"all": AllOf, "any": AnyOf, "none": NoneOf}
_MOMENTS = {AttributeType.DATE, AttributeType.DATETIME}
_DEFAULTS: dict[str, Wire] = {
    "attribute": {"ignoreCase": False},
    "event": {"operator": "GREATER_THAN_OR_EQUAL", "value": 1},
    "segment": {"member": True},
}
COMPARISONS = tuple(
    operator
    for operator in operators.OPERATORS
    if AttributeType.NUMBER in operator.types and operator.takes in (ONE_VALUE, NUMBER, RANGE)
)


def parse(wire: Wire, catalog: Catalog, *path: str, own: str | None = None) -> Filter:
    """The tree of a filter. Refused carries every problem; their paths begin with `path`.

    `own` is the id of the segment whose filter it is to be: none inside it may rest on that.
    """
    _measure(wire, path)
    parser = _Parser(catalog, own)
    tree = parser.filter(wire, path)
    if tree is None:
        raise Refused(parser.problems)
    _measure_tree(tree, path)
    return tree


def canonical(wire: Wire) -> dict[str, Any]:
    """The filter as it was sent, with what is absent or a default left out."""
    (kind, inner), *_ = ((k, v) for k, v in wire.items() if v is not None)
    if kind in _GROUPS:
        return {kind: [canonical(branch) for branch in inner]}
    return {kind: _without_defaults(inner, _DEFAULTS.get(kind, {}))}


def segments_named(wire: Wire) -> Iterator[str]:
    """The ids of the segments that the filter itself names."""
    for kind, inner in wire.items():
        if kind in _GROUPS:
            for branch in inner or ():
                yield from segments_named(branch)
        elif kind == "segment" and inner is not None:
            yield inner["id"]


def metadata_named(wire: Wire) -> Iterator[str]:
    """The keys of metadata that the filter itself asks of."""
    for kind, inner in wire.items():
        if kind in _GROUPS:
            for branch in inner or ():
                yield from metadata_named(branch)
        elif kind == "attribute" and inner is not None:
            group, _, rest = inner["path"].partition(".")
            if group == "metadata":
                yield rest.partition(".")[0]


def _without_defaults(condition: Wire, defaults: Wire) -> dict[str, Any]:
    kept = {
        key: value
        for key, value in condition.items()
        if value is not None and not (key in defaults and _same(value, defaults[key]))
    }
    if "where" in kept:
        kept["where"] = [_without_defaults(w, _DEFAULTS["attribute"]) for w in kept["where"]]
        kept = kept if kept["where"] else {k: v for k, v in kept.items() if k != "where"}
    return kept


def _same(value: object, default: object) -> bool:
    return type(value) is type(default) and value == default


def _measure(wire: Wire, path: Path) -> None:
    """Refuses what is too large before anything is made of it."""
    values = letters = 0
    for count, (level, condition) in enumerate(_conditions(wire, 1), start=1):
        if level > MOST_LEVELS:
            raise too_complex(f"is nested deeper than {MOST_LEVELS} levels", path)
        value = condition.get("value")
        values += len(value) if isinstance(value, list | tuple) else 1
        if count > MOST_CONDITIONS:
            raise too_complex(f"has more than {MOST_CONDITIONS} conditions", path)
        if values > MOST_VALUES:
            raise too_complex(f"has more than {MOST_VALUES:,} values", path)
        letters += _letters(value) * (LETTER_OF_ANY_CASE if condition.get("ignoreCase") else 1)
        if letters > HEAVIEST:
            raise too_complex(_TOO_MUCH_TEXT, path)


def _letters(value: object) -> int:
    values = value if isinstance(value, list | tuple) else (value,)
    return sum(len(one) for one in values if isinstance(one, str))


def _measure_tree(tree: Filter, path: Path) -> None:
    """Refuses what is too large with the segments inside it; each of them counts once."""
    if segments_deep(tree) > MOST_SEGMENTS_DEEP:
        raise too_complex(f"has segments in it that lie deeper than {MOST_SEGMENTS_DEEP}", path)
    asked = sum(1 for condition in conditions(tree) if not isinstance(condition, Listed))
    if asked > MOST_CONDITIONS_IN_ALL and inside(tree):
        what = f"has more than {MOST_CONDITIONS_IN_ALL:,} conditions with the segments inside it"
        raise too_complex(what, path)
    if weight(tree) > HEAVIEST:
        raise too_complex(_TOO_MUCH_TEXT, path)


def too_complex(what: str, path: Path) -> Refused:
    """The refusal of a filter that has more of something than it may."""
    message = f"The filter {what}; split it, or make a static segment of a part."
    return Refused([Problem(Code.FILTER_TOO_COMPLEX, message, path)])


def _conditions(wire: Wire, level: int) -> Iterator[tuple[int, Wire]]:
    """Every condition with its level; an empty group, and one too deep, count as a condition."""
    if level > MOST_LEVELS:
        yield level, {}
        return
    if not any(wire.values()):
        yield level, {}
    for kind, inner in wire.items():
        if kind in _GROUPS:
            for branch in inner or ():
                yield from _conditions(branch, level + 1 if _is_group(branch) else level)
        elif inner is not None:
            yield level, inner
            for where in inner.get("where") or ():
                yield level, where


def _is_group(wire: Wire) -> bool:
    return any(wire.get(kind) is not None for kind in _GROUPS)


class _Parser:
    """Collects the problems of one filter while its tree is built; None stands for a bad part."""

    def __init__(self, catalog: Catalog, own: str | None) -> None:
        self.catalog = catalog
        self.own = own
        self.problems: list[Problem] = []

    def _problem(self, code: Code, message: str, *path: str) -> None:
        self.problems.append(Problem(code, message, path))

    def filter(self, wire: Wire, path: Path) -> Filter | None:
        present = [(kind, inner) for kind, inner in wire.items() if inner is not None]
        if len(present) != 1:
            code = Code.INVALID if present else Code.FILTER_EMPTY
            self._problem(code, "A filter has exactly one of its keys; give one.", *path)
            return None
        kind, inner = present[0]
        path = (*path, kind)
        if kind in _GROUPS:
            return self._group(_GROUPS[kind], inner, path)
        one = {"event": self._event, "segment": self._segment, "attribute": self._attribute}
        return one[kind](inner, path)

    def _group(
        self, kind: type[AllOf | AnyOf | NoneOf], branches: Sequence[Wire], path: Path
    ) -> Filter | None:
        if not branches:
            self._problem(Code.FILTER_EMPTY, "The list is empty; give at least one branch.", *path)
        parsed = [self.filter(branch, (*path, str(i))) for i, branch in enumerate(branches)]
        whole = [branch for branch in parsed if branch is not None]
        return kind(tuple(whole)) if whole and len(whole) == len(parsed) else None

    def _attribute(self, wire: Wire, path: Path) -> AttributeCondition | None:
        field = self.catalog.find(wire["path"])
        if field is None:
            near = self.catalog.nearest(wire["path"])
            message = f"No attribute is called {quoted(wire['path'])}; the nearest is {near!r}."
            self._problem(Code.UNKNOWN_ATTRIBUTE, message, *path, "path")
            return None
        return self._condition(field, wire, path)

    def _condition(self, field: Field, wire: Wire, path: Path) -> AttributeCondition | None:
        operator = operators.BY_NAME[wire["operator"]]
        if not operator.fits(field):
            fitting = (o for o in operators.OPERATORS if o.fits(field))
            self._not_applicable(operator, _described(field), fitting, path)
            return None
        type_ = field.type or _type_of_value(operator, wire.get("value"))
        return self._asked(field, operator, type_, wire, path)

    def _asked(
        self,
        field: Field,
        operator: Operator,
        type_: AttributeType | None,
        wire: Wire,
        path: Path,
    ) -> AttributeCondition | None:
        before = len(self.problems)
        ignore_case = bool(wire.get("ignoreCase"))
        if ignore_case and not _takes_case(operator, type_):
            message = f"{operator.name} on {field.path!r} has no case to ignore; leave it out."
            self._problem(Code.INVALID_VALUE, message, *path, "ignoreCase")
        value = self._value(operator, type_, wire.get("value"), path)
        if len(self.problems) > before:
            return None
        operand = Operand(value, type_, ignore_case, not field.free, field.indexed)
        return AttributeCondition(field, operator, operand)

    def _value(
        self, operator: Operator, type_: AttributeType | None, value: object, path: Path
    ) -> Any:
        try:
            return operator.takes.read(value, type_)
        except UnreadableError as error:
            message = f"The value of {operator.name} {error}. It takes {operator.takes.words}."
            self._problem(Code.INVALID_VALUE, message, *path, "value", *error.path)
            return None

    def _not_applicable(
        self, operator: Operator, what: str, fitting: Iterator[Operator], path: Path
    ) -> None:
        names = ", ".join(o.name for o in fitting)
        message = f"{operator.name} does not fit {what}; these do: {names}."
        self._problem(Code.OPERATOR_NOT_APPLICABLE, message, *path, "operator")

    def _segment(self, wire: Wire, path: Path) -> Member | None:
        segment = self.catalog.segment(wire["id"])
        if segment is None:
            self._problem(Code.NOT_FOUND, "There is no such segment.", *path, "id")
            return None
        if self.own in {segment.id, *(nested.id for nested in inside(segment.tree))}:
            message = f"The segment {segment.name!r} rests on this one; name another, or none."
            self._problem(Code.SEGMENT_CYCLE, message, *path, "id")
            return None
        return Member(segment, wire.get("member") is not False)

    def _event(self, wire: Wire, path: Path) -> EventCondition | None:
        before = len(self.problems)
        name = wire["name"]
        if not is_event_name(name):
            message = "An event's name has 1 to 100 characters and no NUL."
            self._problem(Code.INVALID_VALUE, message, *path, "name")
        origin = source(name)
        where = [
            self._where(origin, condition, (*path, "where", str(i)))
            for i, condition in enumerate(wire.get("where") or ())
        ]
        window = self._window(wire.get("within"), (*path, "within"))
        aggregate, property_ = self._aggregate(origin, wire.get("aggregate"), path)
        operator = operators.BY_NAME[wire.get("operator") or "GREATER_THAN_OR_EQUAL"]
        if operator not in COMPARISONS:
            self._not_applicable(operator, "a measure of events", iter(COMPARISONS), path)
            return None
        value = wire["value"] if wire.get("value") is not None else 1
        number = AttributeType.NUMBER
        operand = Operand(self._value(operator, number, value, path), number, scalar=True)
        if len(self.problems) > before:
            return None
        conditions = tuple(condition for condition in where if condition is not None)
        measure = Measure(origin, conditions, window, aggregate, property_)
        return EventCondition(measure, operator, operand)

    def _where(self, origin: Source, wire: Wire, path: Path) -> AttributeCondition | None:
        field = self._property(origin, wire["path"], (*path, "path"))
        return None if field is None else self._condition(field, wire, path)

    def _property(self, origin: Source, name: str, path: Path) -> Field | None:
        field = origin.find(name)
        if field is None:
            message = (
                f"No property can be called {quoted(name)}: each key has 1 to 100 characters,"
                " without NUL, and no $ at its start."
            )
            self._problem(Code.UNKNOWN_ATTRIBUTE, message, *path)
        return field

    def _aggregate(
        self, origin: Source, wire: Wire | None, path: Path
    ) -> tuple[aggregates.Aggregate | None, Field | None]:
        if wire is None:
            return None, None
        property_ = self._property(origin, wire["property"], (*path, "aggregate", "property"))
        return aggregates.BY_NAME[wire["function"]], property_

    def _window(self, wire: Wire | None, path: Path) -> Window | None:
        if wire is None:
            return None
        try:
            if wire.get("last") is not None:
                path = (*path, "last")
                return Last(read_duration(wire["last"]))
            path = (*path, "between")
            start, end = _instant(wire["between"]["from"]), _instant(wire["between"]["to"])
        except ValueError as error:
            self._problem(Code.INVALID_VALUE, f"The window {error}.", *path)
            return None
        if start > end:
            message = "The window ends before it starts; swap from and to."
            self._problem(Code.INVALID_VALUE, message, *path)
        return Range(start, end)


def _instant(value: str | datetime) -> datetime:
    read = value if isinstance(value, datetime) else read_datetime(value)
    if read.tzinfo is None:
        raise ValueError("must have an offset, like Z")
    return cut(read)


def _described(field: Field) -> str:
    type_ = field.type.value if field.type else "value"
    return f"{field.path!r}, {'an array of' if field.is_array else 'a'} {type_}"


def _takes_case(operator: Operator, type_: AttributeType | None) -> bool:
    return operator.takes_case and type_ in (None, AttributeType.STRING)


def _type_of_value(operator: Operator, value: object) -> AttributeType | None:
    """The type that a path without one is taken by: that of the operator's value."""
    if operator.types <= _MOMENTS:
        return AttributeType.DATETIME
    if len(operator.types) == 1:
        return next(iter(operator.types))
    values = value if isinstance(value, list | tuple) else (value,)
    types = {_type_of_one(element) for element in values}
    type_ = types.pop() if len(types) == 1 else None
    # Text given to an operator on moments, and on no strings, stands for a moment.
    of_moments = AttributeType.STRING not in operator.types and operator.types & _MOMENTS
    return AttributeType.DATETIME if type_ is AttributeType.STRING and of_moments else type_


def _type_of_one(value: object) -> AttributeType | None:
    if isinstance(value, bool):
        return AttributeType.BOOLEAN
    if isinstance(value, str):
        return AttributeType.STRING
    return AttributeType.NUMBER if is_number(value) else None


def quoted(text: str) -> str:
    """A text of the caller's within a message, as far as one wants to read it again."""
    return repr(text if len(text) <= 60 else text[:60] + "…")
