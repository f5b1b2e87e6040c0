"""What indexes can say of ranges: which filters are of nothing else, and what each end asks."""

import pytest

from app.filters import Filter, parse
from app.filters.calendar import DAY
from app.filters.operators import Example, Operator
from app.filters.pipeline import Parts
from app.filters.ranges import Range
from tests.filters.corpus import CATALOG
from tests.filters.examples import NOW, QUESTIONS, asked, stored
from tests.filters.wire import Wire


def _attribute(path: str, operator: str, value: object) -> Wire:
    return {"attribute": {"path": path, "operator": operator, "value": value}}


def _ranges(filter_: Filter) -> list[Range]:
    return Parts.of(filter_, NOW).ranges(NOW)


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
        # No array lies there: MongoDB uses both ends.
        (_attribute("orders.totalCount", "BETWEEN", [1, 3]), []),
    ],
)
def test_ranges_and_nothing_else(wire: Wire, paths: list[str]) -> None:
    assert [one.path for one in _ranges(parse(wire, CATALOG))] == paths


def test_an_array_may_meet_each_end_with_another_of_its_values() -> None:
    (score,) = _ranges(parse(_SCORE, CATALOG))
    for value, halves in ((2, [True, True]), (0, [False, True]), ([0, 9], [True, True])):
        document = {"metadata": {"num": value}}
        assert [score.half(which, document) for which in (0, 1)] == halves
    (renewal,) = _ranges(parse(_RENEWAL, CATALOG))
    last, later = NOW.at - 1 * DAY, NOW.at + 40 * DAY
    for at, halves in ((last, [False, True]), (later, [True, False]), ([last, later], [True] * 2)):
        profile = {"metadata": {"at": at}}
        assert [renewal.half(which, profile) for which in (0, 1)] == halves


@pytest.mark.parametrize(("operator", "example"), QUESTIONS)
def test_a_value_lies_in_a_range_that_meets_both_ends(operator: Operator, example: Example) -> None:
    value = stored(example)
    for one in _ranges(asked(operator, example)):
        if not isinstance(value, list):
            both = all(one.half(which, {"metadata": {"key": value}}) for which in (0, 1))
            assert both is example.holds
