"""Any input as a Voucherify filter is converted, or rejected with problems, in a short time."""

from collections import Counter
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.filters import canonical, describe, parse
from app.filters.voucherify.fields import PATHS_BY_FIELD
from app.filters.voucherify.operators import TRANSLATIONS
from tests.filters.test_voucherify import (
    CATALOG,
    NAME_FIELD,
    codes_and_paths,
    translate,
    voucherify_field,
)
from tests.random_cases import repeatable


def deeply_nested(levels: int) -> Any:
    inner: Any = "x"
    for level in range(levels):
        inner = [inner] if level % 2 else {"conditions": inner}
    return inner


HUGE_FILTERS: dict[str, Any] = {
    "100,000 fields": {f"metadata.k{n}": NAME_FIELD for n in range(100_000)},
    "100,000 operators": {"name": {"conditions": {f"$o{n}": [n] for n in range(100_000)}}},
    "100,000 keys beside": {"name": {**{f"k{n}": n for n in range(100_000)}, **NAME_FIELD}},
    "100,000 values": voucherify_field("name", is_=["x"] * 100_000),
    "a number of 1,000,000 digits": voucherify_field("loyalty.points", is_="9" * 1_000_000),
    "100,000 levels": {"name": deeply_nested(100_000)},
    "a value of 100,000 levels": voucherify_field("name", is_=deeply_nested(100_000)),
    "200 unknown operators": {"name": {"conditions": {f"$o{n}": [n] for n in range(200)}}},
    "200 unknown fields": {f"k{n}": NAME_FIELD for n in range(200)},
}


@pytest.mark.parametrize("voucherify_filter", HUGE_FILTERS.values(), ids=HUGE_FILTERS)
def test_huge_input_is_rejected_quickly(voucherify_filter: Any) -> None:
    began = process_time()
    assert codes_and_paths(voucherify_filter)
    assert process_time() - began < 0.5


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
_KEYS = st.sampled_from([*PATHS_BY_FIELD, *(f"metadata.{key}" for key in CATALOG.metadata)])
_ARBITRARY_FIELDS = st.fixed_dictionaries(
    {"conditions": st.dictionaries(st.sampled_from(list(TRANSLATIONS)), _ANYTHING, max_size=2)}
)

_COUNT_OPERATORS = ("$is_days_ago", "$is_days_in_future", "$less_than_ago", "$more_than_future")
_YEARLESS_OPERATORS = tuple(
    name for name in TRANSLATIONS if "_days_" in name and name.endswith("_md")
)
# Fields, operators and values that usually go together.
_FIELDS_WITH_OPERATORS = (
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
        (*_COUNT_OPERATORS, *_YEARLESS_OPERATORS, "$is_years_ago", "$more_than", "$less_than"),
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
    keys, operators, value = draw(st.sampled_from(_FIELDS_WITH_OPERATORS))
    values = value | st.lists(value, min_size=1, max_size=3)
    conditions = st.dictionaries(st.sampled_from(operators), values, min_size=1, max_size=2)
    return draw(st.sampled_from(keys)), {"conditions": draw(conditions)}


_PLAUSIBLE_FILTERS = st.builds(
    lambda fields, junction: {"junction": junction, **dict(fields)},
    st.lists(_field(), min_size=1, max_size=2),
    st.sampled_from(["and", "or", "OR", None]),
)


def test_any_input_is_converted_or_has_problems() -> None:
    answers: Counter[bool] = Counter()

    @repeatable(1_000)
    @given(
        st.one_of(
            *(_ANYTHING, _PLAUSIBLE_FILTERS, _PLAUSIBLE_FILTERS, _PLAUSIBLE_FILTERS),
            st.dictionaries(_KEYS | st.text(max_size=8), _ARBITRARY_FIELDS | _ANYTHING, max_size=2),
        )
    )
    def answered(voucherify_filter: Any) -> None:
        found = codes_and_paths(voucherify_filter)
        answers[not found] += 1
        if not found:
            wire = canonical(translate(voucherify_filter))
            assert canonical(wire) == wire
            assert describe(parse(wire, CATALOG))

    answered()
    assert answers[True] > answers.total() / 5
    assert answers[False] > answers.total() / 5
