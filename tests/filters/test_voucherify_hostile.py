"""Whatever is sent as a filter of Voucherify's is answered at once, by a filter or by problems."""

from collections import Counter
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.filters import canonical, parse, text
from app.filters.voucherify.fields import PATHS
from app.filters.voucherify.operators import TRANSLATIONS
from tests.filters.test_voucherify import CATALOG, NAMED, asks, ours, problems


def _deep(levels: int) -> Any:
    inner: Any = "x"
    for level in range(levels):
        inner = [inner] if level % 2 else {"conditions": inner}
    return inner


HUGE: dict[str, Any] = {
    "100,000 fields": {f"metadata.k{n}": NAMED for n in range(100_000)},
    "100,000 operators": {"name": {"conditions": {f"$o{n}": [n] for n in range(100_000)}}},
    "100,000 keys beside": {"name": {**{f"k{n}": n for n in range(100_000)}, **NAMED}},
    "100,000 values": asks("name", is_=["x"] * 100_000),
    "a number of 1,000,000 digits": asks("loyalty.points", is_="9" * 1_000_000),
    "100,000 levels": {"name": _deep(100_000)},
    "a value of 100,000 levels": asks("name", is_=_deep(100_000)),
    "200 unknown operators": {"name": {"conditions": {f"$o{n}": [n] for n in range(200)}}},
    "200 unknown fields": {f"k{n}": NAMED for n in range(200)},
}


@pytest.mark.parametrize("theirs", HUGE.values(), ids=HUGE)
def test_what_is_huge_is_refused_at_once(theirs: Any) -> None:
    began = process_time()
    assert problems(theirs)
    assert process_time() - began < 0.05


_SCALARS = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    st.sampled_from(["true", "", "0", "-5", "2.5", "2026-03-29", "2026-03-29T00:00:00.000Z"]),
)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
_KEYS = st.sampled_from([*PATHS, *(f"metadata.{key}" for key in CATALOG.metadata)])
_WILD = st.fixed_dictionaries(
    {"conditions": st.dictionaries(st.sampled_from(list(TRANSLATIONS)), _ANYTHING, max_size=2)}
)

_COUNTS = ("$is_days_ago", "$is_days_in_future", "$less_than_ago", "$more_than_future")
_YEARLESS = tuple(name for name in TRANSLATIONS if "_days_" in name and name.endswith("_md"))
# What goes together, as a rule: fields, operators, and values.
_FITTING = (
    (
        ("name", "source_id", "address.city", "metadata.text", "metadata.free", "metadata.tags"),
        ("$is", "$is_not", "$in", "$not_in", "$contains", "$not_contain", "$starts_with"),
        st.text(min_size=1, max_size=5),
    ),
    (
        ("loyalty.points", "summary.orders.total_amount", "metadata.num", "events.a.b.count"),
        ("$is", "$is_not", "$more_than", "$less_than", "$more_than_equal", "$less_than_equal"),
        st.one_of(st.integers(-10, 2**63), st.floats(), st.integers().map(str)),
    ),
    (
        ("created_at", "birthdate", "metadata.day", "metadata.at", "metadata.free"),
        (*_COUNTS, *_YEARLESS, "$is_years_ago", "$more_than", "$less_than"),
        st.integers(-1, 400) | st.integers(0, 400).map(str),
    ),
    (
        ("created_at", "birthdate", "metadata.day", "metadata.at"),
        ("$is", "$is_not", "$after", "$before", "$after_equal", "$before_equal"),
        st.dates().map(str) | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    ),
    (
        ("metadata.tags", "metadata.scores", "metadata.free"),
        ("$includes", "$intersects", "$not_intersect", "$count", "$count_more"),
        st.integers(-1, 5) | st.integers(-1, 5).map(str),
    ),
)


@st.composite
def _field(draw: st.DrawFn) -> tuple[str, Any]:
    keys, operators, value = draw(st.sampled_from(_FITTING))
    values = value | st.lists(value, min_size=1, max_size=3)
    conditions = st.dictionaries(st.sampled_from(operators), values, min_size=1, max_size=2)
    return draw(st.sampled_from(keys)), {"conditions": draw(conditions)}


_PLAUSIBLE = st.builds(
    lambda fields, junction: {"junction": junction, **dict(fields)},
    st.lists(_field(), min_size=1, max_size=2),
    st.sampled_from(["and", "or", "OR", None]),
)


def test_anything_is_a_filter_or_has_problems() -> None:
    answers: Counter[bool] = Counter()

    @settings(
        max_examples=2_000, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck]
    )
    @given(
        st.one_of(
            *(_ANYTHING, _PLAUSIBLE, _PLAUSIBLE, _PLAUSIBLE),
            st.dictionaries(_KEYS | st.text(max_size=8), _WILD | _ANYTHING, max_size=2),
        )
    )
    def answered(theirs: Any) -> None:
        found = problems(theirs)
        answers[not found] += 1
        if not found:
            wire = canonical(ours(theirs))
            assert canonical(wire) == wire
            assert text(parse(wire, CATALOG))

    answered()
    assert answers[True] > answers.total() / 5
    assert answers[False] > answers.total() / 5
