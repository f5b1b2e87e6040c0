"""Segments inside segments, however deep and however often: both engines, and what is refused."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.errors import Code, Refused
from app.filters import Catalog, Evaluation, Facts, Now, explain, parse, text
from app.filters import pipeline as pipelines
from app.filters.tree import Nested
from tests.filters.corpus import CATALOG, NOWS, SEGMENTS
from tests.filters.judge import Judge

Wire = dict[str, Any]
_VIP = {"attribute": {"path": "metadata.flag", "operator": "IS", "value": True}}
_BUYER = {"event": {"name": "purchase"}}


def _member(id_: str, *, member: bool = True) -> Wire:
    return {"segment": {"id": id_, "member": member}}


def _catalog(wires: Mapping[str, Wire]) -> Catalog:
    """Segments, each of which may name those before it."""
    found: dict[str, Nested] = {}
    catalog = Catalog(CATALOG.metadata, lambda id_: found.get(id_) or CATALOG.segment(id_))
    for id_, wire in wires.items():
        found[id_] = Nested(id_, id_, parse(wire, catalog))
    return catalog


def _levels(inner: Wire, levels: int) -> Wire:
    """Groups of two kinds in turn, that nothing can flatten, with the inner filter at the end."""
    for level in range(levels):
        condition = {"attribute": {"path": "metadata.num", "operator": "LESS_THAN", "value": level}}
        inner = {("any", "all")[level % 2]: [condition, inner]}
    return inner


def _chain(segments: int, levels: int = 1) -> dict[str, Wire]:
    chain = {"s1": _levels(_BUYER, levels)}
    for number in range(2, segments + 1):
        chain[f"s{number}"] = _levels(_member(f"s{number - 1}"), levels)
    return chain


def _web(segments: int, width: int) -> dict[str, Wire]:
    """Each names the one before it many times over: written out it would fill the world."""
    web: dict[str, Wire] = {"s1": {"any": [_VIP, _BUYER]}}
    for number in range(2, segments + 1):
        inner = f"s{number - 1}"
        web[f"s{number}"] = {
            "any": [
                {
                    "all": [
                        _member(inner, member=bool(n % 2)),
                        {"attribute": {"path": "metadata.num", "operator": "IS", "value": n}},
                    ]
                }
                for n in range(width)
            ]
        }
    return web


def _agree(judge: Judge, wire: Wire, catalog: Catalog, now: Now) -> set[Any]:
    tree = parse(wire, catalog)
    selected = judge.selected(tree, now)
    assert selected == judge.held(tree, now)
    return selected


@pytest.mark.parametrize("now", NOWS[:2])
def test_ten_segments_of_ten_levels(judge: Judge, now: Now) -> None:
    catalog = _catalog(_chain(9, levels=10))
    assert _agree(judge, _levels(_member("s9"), 10), catalog, now)


def test_a_web_of_segments(judge: Judge) -> None:
    catalog = _catalog(_web(9, 45))
    assert 0 < len(_agree(judge, _web(10, 45)["s10"], catalog, NOWS[0])) < len(judge.customers)


@pytest.mark.parametrize("id_", SEGMENTS)
def test_segment_by_segment_it_is_the_same(
    judge: Judge, id_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = {"any": [_member(id_), {"all": [_member(id_, member=False), _VIP]}]}
    written_out = _agree(judge, wire, CATALOG, NOWS[0])
    monkeypatch.setattr(pipelines, "_MOST_LEVELS", 0)
    assert _agree(judge, wire, CATALOG, NOWS[0]) == written_out


def test_what_is_too_deep_or_too_much_is_refused() -> None:
    catalog = _catalog(_chain(10))
    parse(_member("s9"), catalog)
    with pytest.raises(Refused, match="deeper than 10") as refused:
        parse(_member("s10"), catalog, "filter")
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == (Code.FILTER_TOO_COMPLEX, ("filter",))

    wide = {f"w{n}": {"any": [_VIP] * 180} for n in range(6)}
    catalog = _catalog(wide)
    parse({"all": [_member(f"w{n}") for n in range(5)] * 2}, catalog)
    with pytest.raises(Refused, match="more than 1,000 conditions"):
        parse({"all": [_member(f"w{n}") for n in range(6)]}, catalog)


def test_more_text_than_a_question_takes_is_refused() -> None:
    value = ["x" * 990 + str(n) for n in range(7_000)]
    condition = {"attribute": {"path": "email", "operator": "IN", "value": value}}
    parse(condition, CATALOG)
    with pytest.raises(Refused, match="more text"):
        parse({"any": [condition, condition]}, CATALOG)


def test_no_segment_rests_on_itself() -> None:
    catalog = _catalog(_chain(3))
    for id_ in ("s1", "s2", "s3"):
        with pytest.raises(Refused) as refused:
            parse({"any": [_VIP, _member(id_)]}, catalog, "filter", own="s1")
        (problem,) = refused.value.problems
        assert problem.code is Code.SEGMENT_CYCLE
        assert problem.path == ("filter", "any", "1", "segment", "id")


def test_an_unknown_segment_is_not_found() -> None:
    with pytest.raises(Refused) as refused:
        parse(_member("nobody"), CATALOG, "filter")
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == (Code.NOT_FOUND, ("filter", "segment", "id"))


def test_it_is_told_and_explained_once() -> None:
    tree = parse({"any": [_member("vips"), _member("vips", member=False)]}, CATALOG)
    assert text(tree) == 'any of: is in the segment "vips"; is not in the segment "vips"'
    assert explain(tree, Evaluation(Facts({"metadata": {"flag": True}}), NOWS[0])) == {
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
