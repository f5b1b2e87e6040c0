"""Parses the JSON of a filter to its tree, and validates it.

The parser reports all problems of a filter at once, each with the path of the input at fault.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from app.errors import InputError, InputPath, Problem, UserErrorCode
from app.filters import aggregates, operators
from app.filters.catalog import Catalog
from app.filters.fields import AttributeType, Field, is_event_name
from app.filters.filter_json import (
    GROUP_CLASSES,
    FilterJson,
    conditions_with_level,
    count_letters,
)
from app.filters.operators import Operand, Operator
from app.filters.sources import RowSource, event_source
from app.filters.tree import (
    AllOf,
    AnyOf,
    AttributeCondition,
    EventCondition,
    Filter,
    Measure,
    NoneOf,
    SegmentCondition,
    StaticMemberCondition,
    Window,
)
from app.filters.type_inference import (
    compares_with_date,
    describe_field,
    infer_type,
    supports_ignore_case,
    why_no_dates,
)
from app.filters.values import NUMBER, ONE_VALUE, RANGE, InvalidOperandError
from app.filters.walk import (
    CASE_INSENSITIVE_LETTER_BYTES,
    conditions,
    nested_segments,
    query_bytes,
    segment_depth,
)
from app.filters.windows import parse_window

MAX_CONDITIONS = 200
MAX_GROUP_DEPTH = 10
MAX_VALUES = 20_000
# These two include nested segments.
MAX_SEGMENT_DEPTH = 10
MAX_CONDITIONS_WITH_SEGMENTS = 1_000
# MongoDB limits a query and a document to 16 MiB.
MAX_QUERY_BYTES = 12_000_000
_TOO_MUCH_TEXT_REASON = "has more text than one database query can hold"

MEASURE_OPERATORS = tuple(
    operator
    for operator in operators.OPERATORS
    if AttributeType.NUMBER in operator.types
    and operator.operand_kind in (ONE_VALUE, NUMBER, RANGE)
)


def parse(
    filter_json: FilterJson, catalog: Catalog, *path: str, own_segment_id: str | None = None
) -> Filter:
    """Returns the tree of a filter.

    `own_segment_id` is the id of the segment that the filter defines; the filter must not refer to
    it, directly or through nested segments. Raises InputError with all problems, whose paths begin
    with `path`.
    """
    _check_size(filter_json, path)
    parser = _Parser(catalog, own_segment_id)
    tree = parser.parse_filter(filter_json, path)
    if tree is None:
        raise InputError(parser.problems)
    _check_tree_size(tree, path)
    return tree


def referenced_segment_ids(filter_json: FilterJson) -> Iterator[str]:
    """The ids of the segments to which the filter refers directly."""
    for kind, content in filter_json.items():
        if kind in GROUP_CLASSES:
            for branch in content or ():
                yield from referenced_segment_ids(branch)
        elif kind == "segment" and content is not None:
            yield content["id"]


def referenced_metadata_keys(filter_json: FilterJson) -> Iterator[str]:
    """The metadata keys that the filter reads directly; event conditions read none."""
    for kind, content in filter_json.items():
        if kind in GROUP_CLASSES:
            for branch in content or ():
                yield from referenced_metadata_keys(branch)
        elif kind == "attribute" and content is not None:
            group, _, subpath = content["path"].partition(".")
            if group == "metadata":
                yield subpath.partition(".")[0]


def _check_size(filter_json: FilterJson, path: InputPath) -> None:
    """Raises InputError for a filter that is too large, before it is parsed."""
    value_count = weighted_letters = 0
    for condition_count, (level, condition_json) in enumerate(
        conditions_with_level(filter_json, 1, MAX_GROUP_DEPTH), start=1
    ):
        if level > MAX_GROUP_DEPTH:
            raise too_complex_error(f"is nested deeper than {MAX_GROUP_DEPTH} levels", path)
        value = condition_json.get("value")
        value_count += len(value) if isinstance(value, list | tuple) else 1
        if condition_count > MAX_CONDITIONS:
            raise too_complex_error(f"has more than {MAX_CONDITIONS} conditions", path)
        if value_count > MAX_VALUES:
            raise too_complex_error(f"has more than {MAX_VALUES:,} values", path)
        weighted_letters += count_letters(value) * (
            CASE_INSENSITIVE_LETTER_BYTES if condition_json.get("ignoreCase") else 1
        )
        if weighted_letters > MAX_QUERY_BYTES:
            raise too_complex_error(_TOO_MUCH_TEXT_REASON, path)


def _check_tree_size(tree: Filter, path: InputPath) -> None:
    """Raises InputError for a filter that is too large with its nested segments.

    Each nested segment counts once.
    """
    if segment_depth(tree) > MAX_SEGMENT_DEPTH:
        raise too_complex_error(f"has segments nested deeper than {MAX_SEGMENT_DEPTH} levels", path)
    condition_count = sum(
        1 for condition in conditions(tree) if not isinstance(condition, StaticMemberCondition)
    )
    if condition_count > MAX_CONDITIONS_WITH_SEGMENTS and nested_segments(tree):
        reason = (
            f"has more than {MAX_CONDITIONS_WITH_SEGMENTS:,} conditions with its nested segments"
        )
        raise too_complex_error(reason, path)
    if query_bytes(tree) > MAX_QUERY_BYTES:
        raise too_complex_error(_TOO_MUCH_TEXT_REASON, path)


def too_complex_error(reason: str, path: InputPath) -> InputError:
    """The error for a filter that exceeds a limit; `reason` completes "The filter …"."""
    message = f"The filter {reason}; split it, or make a static segment of a part."
    return InputError([Problem(UserErrorCode.FILTER_TOO_COMPLEX, message, path)])


class _Parser:
    """Builds the tree of one filter and collects its problems.

    The methods return None for a part with a problem.
    """

    def __init__(self, catalog: Catalog, own_segment_id: str | None) -> None:
        self.catalog = catalog
        self.own_segment_id = own_segment_id
        self.problems: list[Problem] = []

    def _add_problem(self, code: UserErrorCode, message: str, *path: str) -> None:
        self.problems.append(Problem(code, message, path))

    def parse_filter(self, filter_json: FilterJson, path: InputPath) -> Filter | None:
        """Parses a filter whose location in the input is `path`."""
        present_keys = [
            (kind, content) for kind, content in filter_json.items() if content is not None
        ]
        if len(present_keys) != 1:
            code = UserErrorCode.INVALID if present_keys else UserErrorCode.FILTER_EMPTY
            self._add_problem(
                code,
                "A filter must have exactly one key: all, any, none, attribute, event or segment.",
                *path,
            )
            return None
        kind, content = present_keys[0]
        path = (*path, kind)
        if kind in GROUP_CLASSES:
            return self._parse_group(GROUP_CLASSES[kind], content, path)
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
                UserErrorCode.FILTER_EMPTY, "The list is empty; add at least one filter.", *path
            )
        parsed = [
            self.parse_filter(branch, (*path, str(index))) for index, branch in enumerate(branches)
        ]
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
            unknown_path = condition_json["path"]
            message = (
                f"There is no attribute {quote_for_message(unknown_path)}; the nearest is"
                f" {self.catalog.closest_path(unknown_path)!r}."
            )
            self._add_problem(UserErrorCode.UNKNOWN_ATTRIBUTE, message, *path, "path")
            return None
        return self._parse_condition(field, condition_json, path)

    def _parse_condition(
        self,
        field: Field,
        condition_json: FilterJson,
        path: InputPath,
        *,
        is_property: bool = False,
    ) -> AttributeCondition | None:
        operator = operators.OPERATORS_BY_NAME[condition_json["operator"]]
        if not operator.is_applicable_to(field):
            applicable_operators = (
                candidate for candidate in operators.OPERATORS if candidate.is_applicable_to(field)
            )
            self._add_not_applicable(operator, describe_field(field), applicable_operators, path)
            return None
        value = condition_json.get("value")
        if (
            field.type is None
            and compares_with_date(operator, value)
            and (reason := why_no_dates(field, self.catalog, is_property=is_property))
        ):
            message = f"{operator.name} can't compare {field.path!r} with dates: {reason}"
            code = UserErrorCode.OPERATOR_NOT_APPLICABLE
            self._add_problem(code, message, *path, "operator")
            return None
        type_ = field.type or infer_type(operator, value)
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
        if ignore_case and not supports_ignore_case(operator, type_):
            message = f"{operator.name} on {field.path!r} does not support ignoreCase; remove it."
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
            message = (
                f"The value of {operator.name} {error}. It takes"
                f" {operator.operand_kind.description}."
            )
            self._add_problem(UserErrorCode.INVALID_VALUE, message, *path, "value", *error.path)
            return None

    def _add_not_applicable(
        self,
        operator: Operator,
        subject: str,
        applicable_operators: Iterable[Operator],
        path: InputPath,
    ) -> None:
        names = ", ".join(applicable.name for applicable in applicable_operators)
        message = f"{operator.name} does not apply to {subject}; these do: {names}."
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
            message = f"The segment {segment.name!r} refers to this one; use another segment."
            self._add_problem(UserErrorCode.SEGMENT_CYCLE, message, *path, "id")
            return None
        return SegmentCondition(segment, condition_json.get("member") is not False)

    def _parse_event(self, condition_json: FilterJson, path: InputPath) -> EventCondition | None:
        problems_before = len(self.problems)
        name = condition_json["name"]
        if not is_event_name(name):
            message = "The name of an event must have 1 to 100 characters and no NUL."
            self._add_problem(UserErrorCode.INVALID_VALUE, message, *path, "name")
        row_source = event_source(name)
        where_conditions = [
            self._parse_where(row_source, condition, (*path, "where", str(index)))
            for index, condition in enumerate(condition_json.get("where") or ())
        ]
        window = self._parse_window(condition_json.get("within"), (*path, "within"))
        aggregate, property_field = self._parse_aggregate(
            row_source, condition_json.get("aggregate"), path
        )
        operator = operators.OPERATORS_BY_NAME[
            condition_json.get("operator") or "GREATER_THAN_OR_EQUAL"
        ]
        if operator not in MEASURE_OPERATORS:
            self._add_not_applicable(operator, "a measure of events", MEASURE_OPERATORS, path)
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
        if field is None:
            return None
        return self._parse_condition(field, condition_json, path, is_property=True)

    def _find_property(
        self, row_source: RowSource, property_path: str, path: InputPath
    ) -> Field | None:
        field = row_source.find_property(property_path)
        if field is None:
            message = (
                f"{quote_for_message(property_path)} is not a valid property: each key must have"
                " 1 to 100 characters, no NUL, and no $ at its start."
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
        try:
            return None if window_json is None else parse_window(window_json, path)
        except InputError as error:
            self.problems += error.problems
            return None


def quote_for_message(text: str) -> str:
    """The client's text in quotes, shortened to 60 characters, for an error message."""
    return repr(text if len(text) <= 60 else text[:60] + "…")
