"""The stored form of filters: as they were sent, without defaults."""

import pytest
from hypothesis import given

from app.filters import canonical, parse
from tests.filters.corpus import CATALOG
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.filter_strategies import FilterStrategies
from tests.filters.parse_cases import NAME_CONDITION, Wire, attribute_condition, event_condition
from tests.random_cases import repeatable


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (
            attribute_condition("name", "HAS_VALUE"),
            {"attribute": {"path": "name", "operator": "HAS_VALUE"}},
        ),
        (attribute_condition("name", "IS", "Ann", ignoreCase=False), {"attribute": NAME_CONDITION}),
        (
            attribute_condition("name", "IS", "Ann", ignoreCase=True),
            {"attribute": NAME_CONDITION | {"ignoreCase": True}},
        ),
        ({"all": None, "attribute": NAME_CONDITION}, {"attribute": NAME_CONDITION}),
        (
            event_condition(operator="GREATER_THAN_OR_EQUAL", value=1, where=[], within=None),
            event_condition(),
        ),
        (event_condition(operator="IS", value=1), event_condition(operator="IS")),
        (
            event_condition(within={"ago": {"from": "P60D", "to": "P30D"}}, value=1),
            event_condition(within={"ago": {"from": "P60D", "to": "P30D"}}),
        ),
        (event_condition(value=1.0), event_condition(value=1.0)),
        (event_condition(value=0), event_condition(value=0)),
        (
            {"any": [event_condition(where=[NAME_CONDITION | {"ignoreCase": False}])]},
            {"any": [event_condition(where=[NAME_CONDITION])]},
        ),
        ({"all": [{"attribute": NAME_CONDITION}]}, {"all": [{"attribute": NAME_CONDITION}]}),
    ],
)
def test_what_was_sent_comes_back_without_defaults(sent: Wire, stored: Wire) -> None:
    assert canonical(sent) == stored
    assert repr(canonical(sent)) == repr(canonical(stored))


def test_parsed_canonical_and_parsed_again_is_the_same(
    filter_strategies: FilterStrategies, dual_evaluator: DualEvaluator
) -> None:
    @repeatable(300)
    @given(filter_strategies.filters())
    def stable(wire: Wire) -> None:
        tree = parse(wire, CATALOG)
        again = canonical(wire)
        assert parse(again, CATALOG) == tree
        assert canonical(again) == again
        assert hash(tree) == hash(parse(again, CATALOG))

    stable()
