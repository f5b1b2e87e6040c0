"""Nested segments of any depth and number, by the pipeline and by the evaluator; rejected ones."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.domain.metadata import to_json
from app.errors import InputError, UserErrorCode
from app.filters import Catalog, CustomerFacts, Evaluation, Now, describe, explain, parse
from app.filters import pipeline as pipelines
from app.filters.tree import NestedSegment
from tests.filters.corpus import CATALOG, NOWS, SEGMENTS
from tests.filters.dual_evaluator import DualEvaluator

Wire = dict[str, Any]
_VIP = {"attribute": {"path": "metadata.flag", "operator": "IS", "value": True}}
_BUYER = {"event": {"name": "purchase"}}


def membership_condition(id_: str, *, member: bool = True) -> Wire:
    return {"segment": {"id": id_, "member": member}}


def _catalog(wires: Mapping[str, Wire]) -> Catalog:
    """Returns a catalog of segments, each of which may nest earlier ones."""
    segments: dict[str, NestedSegment] = {}
    catalog = Catalog(CATALOG.metadata, lambda id_: segments.get(id_) or CATALOG.find_segment(id_))
    for id_, wire in wires.items():
        segments[id_] = NestedSegment(id_, id_, parse(wire, catalog))
    return catalog


def nested_groups(innermost: Wire, levels: int) -> Wire:
    """Nests groups of two alternating kinds, so that nothing can flatten them."""
    for level in range(levels):
        condition = {"attribute": {"path": "metadata.num", "operator": "LESS_THAN", "value": level}}
        innermost = {("any", "all")[level % 2]: [condition, innermost]}
    return innermost


def chain_of_segments(segments: int, levels: int = 1) -> dict[str, Wire]:
    chain = {"s1": nested_groups(_BUYER, levels)}
    for number in range(2, segments + 1):
        chain[f"s{number}"] = nested_groups(membership_condition(f"s{number - 1}"), levels)
    return chain


def web_of_segments(segments: int, width: int) -> dict[str, Wire]:
    """Returns segments that each nest the previous one many times; expanded, they need exponential
    space."""
    web: dict[str, Wire] = {"s1": {"any": [_VIP, _BUYER]}}
    for number in range(2, segments + 1):
        inner = f"s{number - 1}"
        web[f"s{number}"] = {
            "any": [
                {
                    "all": [
                        membership_condition(inner, member=bool(n % 2)),
                        {"attribute": {"path": "metadata.num", "operator": "IS", "value": n}},
                    ]
                }
                for n in range(width)
            ]
        }
    return web


def assert_engines_agree(
    dual_evaluator: DualEvaluator, wire: Wire, catalog: Catalog, now: Now
) -> set[Any]:
    tree = parse(wire, catalog)
    selected = dual_evaluator.select_by_pipeline(tree, now)
    assert selected == dual_evaluator.select_by_evaluator(tree, now)
    return selected


@pytest.mark.parametrize("now", NOWS[:2])
def test_ten_segments_of_ten_levels(dual_evaluator: DualEvaluator, now: Now) -> None:
    catalog = _catalog(chain_of_segments(9, levels=10))
    assert assert_engines_agree(
        dual_evaluator, nested_groups(membership_condition("s9"), 10), catalog, now
    )


def test_repeatedly_nested_segments(dual_evaluator: DualEvaluator) -> None:
    catalog = _catalog(web_of_segments(9, 45))
    assert (
        0
        < len(
            assert_engines_agree(dual_evaluator, web_of_segments(10, 45)["s10"], catalog, NOWS[0])
        )
        < len(dual_evaluator.customers)
    )


@pytest.mark.parametrize("id_", SEGMENTS)
def test_evaluating_segment_by_segment_gives_the_same(
    dual_evaluator: DualEvaluator, id_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = {
        "any": [membership_condition(id_), {"all": [membership_condition(id_, member=False), _VIP]}]
    }
    written_out = assert_engines_agree(dual_evaluator, wire, CATALOG, NOWS[0])
    monkeypatch.setattr(pipelines, "_MAX_INLINED_DEPTH", 0)
    assert assert_engines_agree(dual_evaluator, wire, CATALOG, NOWS[0]) == written_out


def test_too_deep_or_too_large_filters_are_rejected() -> None:
    catalog = _catalog(chain_of_segments(10))
    parse(membership_condition("s9"), catalog)
    with pytest.raises(InputError, match="deeper than 10") as refused:
        parse(membership_condition("s10"), catalog, "filter")
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == (UserErrorCode.FILTER_TOO_COMPLEX, ("filter",))

    wide = {f"w{n}": {"any": [_VIP] * 180} for n in range(6)}
    catalog = _catalog(wide)
    parse({"all": [membership_condition(f"w{n}") for n in range(5)] * 2}, catalog)
    with pytest.raises(InputError, match="more than 1,000 conditions"):
        parse({"all": [membership_condition(f"w{n}") for n in range(6)]}, catalog)


def test_too_much_text_is_rejected() -> None:
    value = ["x" * 990 + str(n) for n in range(7_000)]
    condition = {"attribute": {"path": "email", "operator": "IN", "value": value}}
    parse(condition, CATALOG)
    with pytest.raises(InputError, match="more text"):
        parse({"any": [condition, condition]}, CATALOG)


def test_a_cycle_of_segments_is_rejected() -> None:
    catalog = _catalog(chain_of_segments(3))
    for id_ in ("s1", "s2", "s3"):
        with pytest.raises(InputError) as refused:
            parse(
                {"any": [_VIP, membership_condition(id_)]}, catalog, "filter", own_segment_id="s1"
            )
        (problem,) = refused.value.problems
        assert problem.code is UserErrorCode.SEGMENT_CYCLE
        assert problem.path == ("filter", "any", "1", "segment", "id")


def test_an_unknown_segment_is_not_found() -> None:
    with pytest.raises(InputError) as refused:
        parse(membership_condition("nobody"), CATALOG, "filter")
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == (UserErrorCode.NOT_FOUND, ("filter", "segment", "id"))


def test_it_is_worded_and_explained_once() -> None:
    tree = parse(
        {"any": [membership_condition("vips"), membership_condition("vips", member=False)]}, CATALOG
    )
    assert describe(tree) == 'any of: is in the segment "vips"; is not in the segment "vips"'
    facts = CustomerFacts({"metadata": {"flag": True}})
    assert explain(tree, Evaluation(facts, NOWS[0]), to_json) == {
        "holds": True,
        "any": [
            {
                "holds": True,
                "wanted": 'is in the segment "vips"',
                "has": True,
                "segment": {"holds": True, "wanted": "metadata.flag is true", "has": True},
            },
            {"holds": False, "wanted": 'is not in the segment "vips"', "has": True},
        ],
    }
