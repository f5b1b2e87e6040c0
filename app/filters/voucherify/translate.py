"""Translates a Voucherify filter, and reports all problems at once, each with its path."""

from collections.abc import Iterator
from typing import Any

from app.errors import InputError, InputPath, Problem, UserErrorCode
from app.filters.catalog import Catalog
from app.filters.fields import Field
from app.filters.parse import (
    MAX_CONDITIONS,
    MAX_VALUES,
    parse,
    quote_for_message,
    too_complex_error,
)
from app.filters.suggestions import bigrams_by_word, suggest
from app.filters.voucherify import fields
from app.filters.voucherify.operator_call import FilterJson, OperatorCall, all_of, any_of
from app.filters.voucherify.operators import TRANSLATIONS, UNSUPPORTED_OPERATORS
from app.filters.voucherify.values import to_list

JUNCTION = "junction"
CONDITIONS = "conditions"

_KNOWN_OPERATORS = bigrams_by_word([*TRANSLATIONS, *UNSUPPORTED_OPERATORS])
_JUNCTIONS = {"and": all_of, "or": any_of}


def translate(source: object, catalog: Catalog, *path: str) -> FilterJson:
    """The filter of this API that corresponds to a Voucherify filter.

    The types of the project's metadata keys in the catalog decide how values are read. The junction
    joins the fields; it is `and` by default. The operators of one field must all match.

    Raises InputError with every problem. The paths of the problems begin with `path`.
    """
    translator = _Translator(catalog)
    if not isinstance(source, dict):
        message = "A Voucherify filter is an object of fields; send the segment's `filter`."
        raise InputError([Problem(UserErrorCode.INVALID, message, path)])
    _check_size(source, path)
    filter_json = translator.translate_filter(source, path)
    if filter_json is None:
        raise InputError(translator.problems)
    return filter_json


def _check_size(source: dict[str, Any], path: InputPath) -> None:
    """Raises InputError if the filter is too large, before any of it is translated."""
    count = len(source) - (JUNCTION in source)
    if count > MAX_CONDITIONS or sum(1 for _ in _operator_values(source)) > MAX_CONDITIONS:
        raise too_complex_error(f"has more than {MAX_CONDITIONS} conditions", path)
    if sum(len(to_list(value)) for value in _operator_values(source)) > MAX_VALUES:
        raise too_complex_error(f"has more than {MAX_VALUES:,} values", path)


def _operator_values(source: dict[str, Any]) -> Iterator[Any]:
    for field_filter in source.values():
        if isinstance(field_filter, dict) and isinstance(field_filter.get(CONDITIONS), dict):
            yield from field_filter[CONDITIONS].values()


class _Translator:
    """Translates the parts of one filter and collects their problems.

    The translation of a part that has problems is None.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.problems: list[Problem] = []

    def _add_problem(self, code: UserErrorCode, message: str, path: InputPath) -> None:
        self.problems.append(Problem(code, message, path))

    def _add_problems(self, error: InputError, path: InputPath) -> None:
        """Reports the problems of a translated part at the path of its source, each once."""
        for code, message in dict.fromkeys(
            (problem.code, problem.message) for problem in error.problems
        ):
            self._add_problem(code, message, path)

    def translate_filter(self, source: dict[str, Any], path: InputPath) -> FilterJson | None:
        parts = [
            self._translate_field(key, field_filter, (*path, key))
            for key, field_filter in source.items()
            if key != JUNCTION
        ]
        if not parts:
            message = "The filter has no field; give at least one field with its conditions."
            self._add_problem(UserErrorCode.FILTER_EMPTY, message, path)
        junction = source.get(JUNCTION)
        junction_name = "and" if junction is None else junction
        join = _JUNCTIONS.get(junction_name.lower()) if isinstance(junction_name, str) else None
        if join is None:
            message = "The junction must be `and` or `or`."
            self._add_problem(UserErrorCode.INVALID_VALUE, message, (*path, JUNCTION))
        translated_parts = [part for part in parts if part is not None]
        return None if self.problems or join is None else join(translated_parts)

    def _translate_field(self, key: str, field_filter: Any, path: InputPath) -> FilterJson | None:
        field = self._find_field(key, path)
        if not isinstance(field_filter, dict) or not isinstance(field_filter.get(CONDITIONS), dict):
            message = 'A field has its operators in `conditions`, as {"conditions": {"$is": "x"}}.'
            self._add_problem(UserErrorCode.INVALID, message, path)
            return None
        unknown_key = next(
            (unknown_key for unknown_key in field_filter if unknown_key != CONDITIONS), None
        )
        if unknown_key is not None:
            message = (
                f"A field has no key but `conditions`; remove {quote_for_message(unknown_key)}."
            )
            self._add_problem(UserErrorCode.INVALID, message, (*path, unknown_key))
        conditions, path = field_filter[CONDITIONS], (*path, CONDITIONS)
        if not conditions:
            message = "The field has no operator; give at least one, or leave the field out."
            self._add_problem(UserErrorCode.FILTER_EMPTY, message, path)
        parts = [
            self._translate_operator(field, name, conditions, (*path, name)) for name in conditions
        ]
        translated_parts = [part for part in parts if part is not None]
        return all_of(translated_parts) if translated_parts else None

    def _find_field(self, key: str, path: InputPath) -> Field | None:
        try:
            return fields.find_field(key, self.catalog)
        except InputError as error:
            self._add_problems(error, path)
            return None

    def _translate_operator(
        self, field: Field | None, name: str, conditions: dict[str, Any], path: InputPath
    ) -> FilterJson | None:
        if name not in TRANSLATIONS:
            suggestion = suggest(name, _KNOWN_OPERATORS)
            unknown_message = (
                f"{quote_for_message(name)} is not a known Voucherify operator;"
                f" the most similar one is {suggestion}."
            )
            self._add_problem(
                UserErrorCode.OPERATOR_NOT_APPLICABLE,
                UNSUPPORTED_OPERATORS.get(name, unknown_message),
                path,
            )
            return None
        if field is None:
            return None
        try:
            call = OperatorCall(field, to_list(conditions[name]), conditions)
            filter_json = TRANSLATIONS[name].build(call)
            parse(filter_json, self.catalog)
        except InputError as error:
            self._add_problems(error, path)
            return None
        return filter_json
