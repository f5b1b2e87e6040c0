"""From the shape of FilterInput to a tree: every problem at once, each with its path."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.errors import InputError, InputPath, Problem, UserErrorCode
from app.filters import aggregates, operators
from app.filters.calendar import parse_datetime, parse_duration, truncate_to_milliseconds
from app.filters.catalog import Catalog
from app.filters.fields import TEMPORAL_TYPES, AttributeType, Field, is_event_name, is_number
from app.filters.operators import Operand, Operator
from app.filters.sources import RowSource, event_source
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    FixedWindow,
    Measure,
    NoneOf,
    SegmentCondition,
    SlidingWindow,
    StaticMemberCondition,
    Window,
)
from app.filters.values import NUMBER, ONE_VALUE, RANGE, InvalidOperandError
from app.filters.walk import (
    CASE_INSENSITIVE_LETTER_BYTES,
    conditions,
    nested_segments,
    query_bytes,
    segment_depth,
)

FilterJson = Mapping[str, Any]
"""A filter in the shape of the API's FilterInput, as plain JSON."""

MAX_CONDITIONS = 200
MAX_GROUP_DEPTH = 10
MAX_VALUES = 20_000
# With the segments inside.
MAX_SEGMENT_DEPTH = 10
MAX_CONDITIONS_WITH_SEGMENTS = 1_000
# MongoDB takes 16 MiB in one question, and in one document.
MAX_QUERY_BYTES = 12_000_000
_TOO_MUCH_TEXT_REASON = "holds more text than the database takes in one question"

_GROUP_CLASSES: dict[str, type[AllOf | AnyOf | NoneOf]] = {
    "all": AllOf,
    "any": AnyOf,
    "none": NoneOf,
}
_DEFAULT_VALUES: dict[str, FilterJson] = {
    "attribute": {"ignoreCase": False},
    "event": {"operator": "GREATER_THAN_OR_EQUAL", "value": 1},
    "segment": {"member": True},
}
MEASURE_OPERATORS = tuple(
    operator
    for operator in operators.OPERATORS
    if AttributeType.NUMBER in operator.types
    and operator.operand_kind in (ONE_VALUE, NUMBER, RANGE)
)


def parse(
    filter_json: FilterJson, catalog: Catalog, *path: str, own_segment_id: str | None = None
) -> Filter:
    """The tree of a filter. Refused carries every problem; their paths begin with `path`.

    `own` is the id of the segment whose filter it is to be: none inside it may rest on that.
    """
    _check_size(filter_json, path)
    parser = _Parser(catalog, own_segment_id)
    tree = parser.parse_filter(filter_json, path)
    if tree is None:
        raise InputError(parser.problems)
    _check_tree_size(tree, path)
    return tree


def canonical(filter_json: FilterJson) -> dict[str, Any]:
    """The filter as it was sent, with what is absent or a default left out."""
    (kind, content), *_ = ((k, v) for k, v in filter_json.items() if v is not None)
    if kind in _GROUP_CLASSES:
        return {kind: [canonical(branch) for branch in content]}
    return {kind: _without_defaults(content, _DEFAULT_VALUES.get(kind, {}))}


def referenced_segment_ids(filter_json: FilterJson) -> Iterator[str]:
    """The ids of the segments that the filter itself names."""
    for kind, content in filter_json.items():
        if kind in _GROUP_CLASSES:
            for branch in content or ():
                yield from referenced_segment_ids(branch)
        elif kind == "segment" and content is not None:
            yield content["id"]


def referenced_metadata_keys(filter_json: FilterJson) -> Iterator[str]:
    """The keys of metadata that the filter itself asks of."""
    for kind, content in filter_json.items():
        if kind in _GROUP_CLASSES:
            for branch in content or ():
                yield from referenced_metadata_keys(branch)
        elif kind == "attribute" and content is not None:
            group, _, rest = content["path"].partition(".")
            if group == "metadata":
                yield rest.partition(".")[0]


def _without_defaults(condition_json: FilterJson, defaults: FilterJson) -> dict[str, Any]:
    remaining = {
        key: value
        for key, value in condition_json.items()
        if value is not None and not (key in defaults and _is_same(value, defaults[key]))
    }
    if "where" in remaining:
        remaining["where"] = [
            _without_defaults(w, _DEFAULT_VALUES["attribute"]) for w in remaining["where"]
        ]
        remaining = (
            remaining
            if remaining["where"]
            else {k: v for k, v in remaining.items() if k != "where"}
        )
    return remaining


def _is_same(value: object, default: object) -> bool:
    return type(value) is type(default) and value == default


def _check_size(filter_json: FilterJson, path: InputPath) -> None:
    """Refuses what is too large before anything is made of it."""
    value_count = weighted_letters = 0
    for condition_count, (level, condition_json) in enumerate(
        _conditions_with_level(filter_json, 1), start=1
    ):
        if level > MAX_GROUP_DEPTH:
            raise too_complex_error(f"is nested deeper than {MAX_GROUP_DEPTH} levels", path)
        value = condition_json.get("value")
        value_count += len(value) if isinstance(value, list | tuple) else 1
        if condition_count > MAX_CONDITIONS:
            raise too_complex_error(f"has more than {MAX_CONDITIONS} conditions", path)
        if value_count > MAX_VALUES:
            raise too_complex_error(f"has more than {MAX_VALUES:,} values", path)
        weighted_letters += _count_letters(value) * (
            CASE_INSENSITIVE_LETTER_BYTES if condition_json.get("ignoreCase") else 1
        )
        if weighted_letters > MAX_QUERY_BYTES:
            raise too_complex_error(_TOO_MUCH_TEXT_REASON, path)


def _count_letters(value: object) -> int:
    values = value if isinstance(value, list | tuple) else (value,)
    return sum(len(element) for element in values if isinstance(element, str))


def _check_tree_size(tree: Filter, path: InputPath) -> None:
    """Refuses what is too large with the segments inside it; each of them counts once."""
    if segment_depth(tree) > MAX_SEGMENT_DEPTH:
        raise too_complex_error(
            f"has segments in it that lie deeper than {MAX_SEGMENT_DEPTH}", path
        )
    condition_count = sum(
        1 for condition in conditions(tree) if not isinstance(condition, StaticMemberCondition)
    )
    if condition_count > MAX_CONDITIONS_WITH_SEGMENTS and nested_segments(tree):
        reason = (
            f"has more than {MAX_CONDITIONS_WITH_SEGMENTS:,} conditions with the segments inside it"
        )
        raise too_complex_error(reason, path)
    if query_bytes(tree) > MAX_QUERY_BYTES:
        raise too_complex_error(_TOO_MUCH_TEXT_REASON, path)


def too_complex_error(reason: str, path: InputPath) -> InputError:
    """The refusal of a filter that has more of something than it may."""
    message = f"The filter {reason}; split it, or make a static segment of a part."
    return InputError([Problem(UserErrorCode.FILTER_TOO_COMPLEX, message, path)])


def _conditions_with_level(filter_json: FilterJson, level: int) -> Iterator[tuple[int, FilterJson]]:
    """Every condition with its level; an empty group, and one too deep, count as a condition."""
    if level > MAX_GROUP_DEPTH:
        yield level, {}
        return
    if not any(filter_json.values()):
        yield level, {}
    for kind, content in filter_json.items():
        if kind in _GROUP_CLASSES:
            for branch in content or ():
                yield from _conditions_with_level(branch, level + 1 if _is_group(branch) else level)
        elif content is not None:
            yield level, content
            for where_json in content.get("where") or ():
                yield level, where_json


def _is_group(filter_json: FilterJson) -> bool:
    return any(filter_json.get(kind) is not None for kind in _GROUP_CLASSES)


class _Parser:
    """Collects the problems of one filter while its tree is built; None stands for a bad part."""

    def __init__(self, catalog: Catalog, own_segment_id: str | None) -> None:
        self.catalog = catalog
        self.own_segment_id = own_segment_id
        self.problems: list[Problem] = []

    def _add_problem(self, code: UserErrorCode, message: str, *path: str) -> None:
        self.problems.append(Problem(code, message, path))

    def parse_filter(self, filter_json: FilterJson, path: InputPath) -> Filter | None:
        present_keys = [
            (kind, content) for kind, content in filter_json.items() if content is not None
        ]
        if len(present_keys) != 1:
            code = UserErrorCode.INVALID if present_keys else UserErrorCode.FILTER_EMPTY
            self._add_problem(code, "A filter has exactly one of its keys; give one.", *path)
            return None
        kind, content = present_keys[0]
        path = (*path, kind)
        if kind in _GROUP_CLASSES:
            return self._parse_group(_GROUP_CLASSES[kind], content, path)
        condition_parsers = {
            "event": self._parse_event,
            "segment": self._parse_segment,
            "attribute": self._parse_attribute,
        }
        return condition_parsers[kind](content, path)

    def _parse_group(
        self,
        group_class: type[AllOf | AnyOf | NoneOf],
        branches: Sequence[FilterJson],
        path: InputPath,
    ) -> Filter | None:
        if not branches:
            self._add_problem(
                UserErrorCode.FILTER_EMPTY, "The list is empty; give at least one branch.", *path
            )
        parsed = [self.parse_filter(branch, (*path, str(i))) for i, branch in enumerate(branches)]
        valid_branches = [branch for branch in parsed if branch is not None]
        return (
            group_class(tuple(valid_branches))
            if valid_branches and len(valid_branches) == len(parsed)
            else None
        )

    def _parse_attribute(
        self, condition_json: FilterJson, path: InputPath
    ) -> AttributeCondition | None:
        field = self.catalog.find_field(condition_json["path"])
        if field is None:
            closest = self.catalog.closest_path(condition_json["path"])
            message = f"No attribute is called {quote_for_message(condition_json['path'])}; the nearest is {closest!r}."
            self._add_problem(UserErrorCode.UNKNOWN_ATTRIBUTE, message, *path, "path")
            return None
        return self._parse_condition(field, condition_json, path)

    def _parse_condition(
        self, field: Field, condition_json: FilterJson, path: InputPath
    ) -> AttributeCondition | None:
        operator = operators.OPERATORS_BY_NAME[condition_json["operator"]]
        if not operator.is_applicable_to(field):
            applicable_operators = (o for o in operators.OPERATORS if o.is_applicable_to(field))
            self._add_not_applicable(operator, _describe_field(field), applicable_operators, path)
            return None
        type_ = field.type or _infer_type(operator, condition_json.get("value"))
        return self._build_condition(field, operator, type_, condition_json, path)

    def _build_condition(
        self,
        field: Field,
        operator: Operator,
        type_: AttributeType | None,
        condition_json: FilterJson,
        path: InputPath,
    ) -> AttributeCondition | None:
        problems_before = len(self.problems)
        ignore_case = bool(condition_json.get("ignoreCase"))
        if ignore_case and not _supports_ignore_case(operator, type_):
            message = f"{operator.name} on {field.path!r} has no case to ignore; leave it out."
            self._add_problem(UserErrorCode.INVALID_VALUE, message, *path, "ignoreCase")
        value = self._parse_value(operator, type_, condition_json.get("value"), path)
        if len(self.problems) > problems_before:
            return None
        operand = Operand(value, type_, ignore_case, not field.is_schemaless, field.is_indexed)
        return AttributeCondition(field, operator, operand)

    def _parse_value(
        self, operator: Operator, type_: AttributeType | None, value: object, path: InputPath
    ) -> Any:
        try:
            return operator.operand_kind.parse(value, type_)
        except InvalidOperandError as error:
            message = f"The value of {operator.name} {error}. It takes {operator.operand_kind.description}."
            self._add_problem(UserErrorCode.INVALID_VALUE, message, *path, "value", *error.path)
            return None

    def _add_not_applicable(
        self,
        operator: Operator,
        subject: str,
        applicable_operators: Iterator[Operator],
        path: InputPath,
    ) -> None:
        names = ", ".join(o.name for o in applicable_operators)
        message = f"{operator.name} does not fit {subject}; these do: {names}."
        self._add_problem(UserErrorCode.OPERATOR_NOT_APPLICABLE, message, *path, "operator")

    def _parse_segment(
        self, condition_json: FilterJson, path: InputPath
    ) -> SegmentCondition | None:
        segment = self.catalog.find_segment(condition_json["id"])
        if segment is None:
            self._add_problem(UserErrorCode.NOT_FOUND, "There is no such segment.", *path, "id")
            return None
        if self.own_segment_id in {
            segment.id,
            *(nested.id for nested in nested_segments(segment.tree)),
        }:
            message = f"The segment {segment.name!r} rests on this one; name another, or none."
            self._add_problem(UserErrorCode.SEGMENT_CYCLE, message, *path, "id")
            return None
        return SegmentCondition(segment, condition_json.get("member") is not False)

    def _parse_event(self, condition_json: FilterJson, path: InputPath) -> EventCondition | None:
        problems_before = len(self.problems)
        name = condition_json["name"]
        if not is_event_name(name):
            message = "An event's name has 1 to 100 characters and no NUL."
            self._add_problem(UserErrorCode.INVALID_VALUE, message, *path, "name")
        row_source = event_source(name)
        where_conditions = [
            self._parse_where(row_source, condition, (*path, "where", str(i)))
            for i, condition in enumerate(condition_json.get("where") or ())
        ]
        window = self._parse_window(condition_json.get("within"), (*path, "within"))
        aggregate, property_field = self._parse_aggregate(
            row_source, condition_json.get("aggregate"), path
        )
        operator = operators.OPERATORS_BY_NAME[
            condition_json.get("operator") or "GREATER_THAN_OR_EQUAL"
        ]
        if operator not in MEASURE_OPERATORS:
            self._add_not_applicable(operator, "a measure of events", iter(MEASURE_OPERATORS), path)
            return None
        value = condition_json["value"] if condition_json.get("value") is not None else 1
        number_type = AttributeType.NUMBER
        operand = Operand(
            self._parse_value(operator, number_type, value, path), number_type, scalar=True
        )
        if len(self.problems) > problems_before:
            return None
        valid_conditions = tuple(
            condition for condition in where_conditions if condition is not None
        )
        measure = Measure(row_source, valid_conditions, window, aggregate, property_field)
        return EventCondition(measure, operator, operand)

    def _parse_where(
        self, row_source: RowSource, condition_json: FilterJson, path: InputPath
    ) -> AttributeCondition | None:
        field = self._find_property(row_source, condition_json["path"], (*path, "path"))
        return None if field is None else self._parse_condition(field, condition_json, path)

    def _find_property(
        self, row_source: RowSource, property_path: str, path: InputPath
    ) -> Field | None:
        field = row_source.find_property(property_path)
        if field is None:
            message = (
                f"No property can be called {quote_for_message(property_path)}: each key has 1 to 100 characters,"
                " without NUL, and no $ at its start."
            )
            self._add_problem(UserErrorCode.UNKNOWN_ATTRIBUTE, message, *path)
        return field

    def _parse_aggregate(
        self, row_source: RowSource, aggregate_json: FilterJson | None, path: InputPath
    ) -> tuple[aggregates.Aggregate | None, Field | None]:
        if aggregate_json is None:
            return None, None
        property_field = self._find_property(
            row_source, aggregate_json["property"], (*path, "aggregate", "property")
        )
        return aggregates.AGGREGATES_BY_NAME[aggregate_json["function"]], property_field

    def _parse_window(self, window_json: FilterJson | None, path: InputPath) -> Window | None:
        if window_json is None:
            return None
        try:
            if window_json.get("last") is not None:
                path = (*path, "last")
                return SlidingWindow(parse_duration(window_json["last"]))
            path = (*path, "between")
            start, end = (
                _parse_instant(window_json["between"]["from"]),
                _parse_instant(window_json["between"]["to"]),
            )
        except ValueError as error:
            self._add_problem(UserErrorCode.INVALID_VALUE, f"The window {error}.", *path)
            return None
        if start > end:
            message = "The window ends before it starts; swap from and to."
            self._add_problem(UserErrorCode.INVALID_VALUE, message, *path)
        return FixedWindow(start, end)


def _parse_instant(value: str | datetime) -> datetime:
    instant = value if isinstance(value, datetime) else parse_datetime(value)
    if instant.tzinfo is None:
        raise ValueError("must have an offset, like Z")
    return truncate_to_milliseconds(instant)


def _describe_field(field: Field) -> str:
    type_ = field.type.value if field.type else "value"
    return f"{field.path!r}, {'an array of' if field.is_array else 'a'} {type_}"


def _supports_ignore_case(operator: Operator, type_: AttributeType | None) -> bool:
    return operator.takes_ignore_case and type_ in (None, AttributeType.STRING)


def _infer_type(operator: Operator, value: object) -> AttributeType | None:
    """The type that a path without one is taken by: that of the operator's value."""
    if operator.types <= TEMPORAL_TYPES:
        return AttributeType.DATETIME
    if len(operator.types) == 1:
        return next(iter(operator.types))
    values = value if isinstance(value, list | tuple) else (value,)
    types = {_infer_scalar_type(element) for element in values}
    type_ = types.pop() if len(types) == 1 else None
    # Text given to an operator on moments, and on no strings, stands for a moment.
    is_date_operator = (
        AttributeType.STRING not in operator.types and operator.types & TEMPORAL_TYPES
    )
    return AttributeType.DATETIME if type_ is AttributeType.STRING and is_date_operator else type_


def _infer_scalar_type(value: object) -> AttributeType | None:
    if isinstance(value, bool):
        return AttributeType.BOOLEAN
    if isinstance(value, str):
        return AttributeType.STRING
    return AttributeType.NUMBER if is_number(value) else None


def quote_for_message(text: str) -> str:
    """A text of the caller's within a message, as far as one wants to read it again."""
    return repr(text if len(text) <= 60 else text[:60] + "…")
