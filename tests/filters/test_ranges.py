"""The ranges of an index that a filter can use: which filters have any, and their bounds."""

import pytest

from app.filters import Filter, parse
from app.filters.calendar import DAY
from app.filters.index_ranges import IndexRange
from app.filters.operators import Example, Operator
from app.filters.pipeline import FilterParts
from tests.filters.corpus import CATALOG
from tests.filters.filter_strategies import Wire
from tests.filters.operator_examples import NOW, OPERATOR_EXAMPLES, example_filter, stored_value


def _attribute(path: str, operator: str, value: object) -> Wire:
    return {"attribute": {"path": path, "operator": operator, "value": value}}


def ranges_of(filter_: Filter) -> list[IndexRange]:
    return FilterParts.split(filter_, NOW).index_ranges(NOW)


_SCORE = _attribute("metadata.num", "BETWEEN", [1, 3])
_RENEWAL = _attribute("metadata.at", "WITHIN_NEXT", "P30D")
_FLAG = _attribute("metadata.flag", "IS", True)


@pytest.mark.parametrize(
    ("wire", "paths"),
    [
        (_SCORE, ["metadata.num"]),
        ({"all": [_SCORE, {"all": [_RENEWAL]}]}, ["metadata.num", "metadata.at"]),
        ({"all": [_SCORE, _FLAG]}, []),
        ({"any": [_SCORE, _RENEWAL]}, []),
        ({"none": [_SCORE]}, []),
        (_attribute("metadata.at", "MORE_THAN_AGO", "P30D"), []),
        # Without arrays at the path MongoDB uses both bounds.
        (_attribute("orders.totalCount", "BETWEEN", [1, 3]), []),
    ],
)
def test_ranges_and_nothing_else(wire: Wire, paths: list[str]) -> None:
    assert [one.path for one in ranges_of(parse(wire, CATALOG))] == paths


def test_two_elements_of_an_array_may_meet_the_two_bounds() -> None:
    (score,) = ranges_of(parse(_SCORE, CATALOG))
    for value, halves in ((2, [True, True]), (0, [False, True]), ([0, 9], [True, True])):
        document = {"metadata": {"num": value}}
        assert [score.matches_bound(which, document) for which in (0, 1)] == halves
    (renewal,) = ranges_of(parse(_RENEWAL, CATALOG))
    last, later = NOW.at - 1 * DAY, NOW.at + 40 * DAY
    for at, halves in ((last, [False, True]), (later, [True, False]), ([last, later], [True] * 2)):
        profile = {"metadata": {"at": at}}
        assert [renewal.matches_bound(which, profile) for which in (0, 1)] == halves


@pytest.mark.parametrize(("operator", "example"), OPERATOR_EXAMPLES)
def test_a_value_lies_in_a_range_that_meets_both_ends(operator: Operator, example: Example) -> None:
    value = stored_value(example)
    for one in ranges_of(example_filter(operator, example)):
        if not isinstance(value, list):
            both = all(one.matches_bound(which, {"metadata": {"key": value}}) for which in (0, 1))
            assert both is example.holds
