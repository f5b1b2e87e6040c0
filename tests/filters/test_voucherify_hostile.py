"""Whatever is sent as a filter of Voucherify's is answered at once, by a filter or by problems."""

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
    st.sampled_from([0, 1, 7, 30, 1990]),
)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
_FIELDS = st.sampled_from(
    [*PATHS, *(f"metadata.{key}" for key in (*CATALOG.metadata, "free", "a.b")), "events.a.b.count"]
)
_CONDITIONS = st.dictionaries(
    st.sampled_from(list(TRANSLATIONS)),
    st.one_of(_SCALARS, st.lists(_SCALARS, max_size=3), _ANYTHING),
    max_size=2,
)
_PLAUSIBLE = st.dictionaries(
    _FIELDS, st.fixed_dictionaries({"conditions": _CONDITIONS}), max_size=2
)


@settings(max_examples=1_500, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])
@given(
    st.one_of(
        _ANYTHING,
        _PLAUSIBLE,
        st.builds(lambda theirs, junction: {**theirs, "junction": junction}, _PLAUSIBLE, _ANYTHING),
        st.dictionaries(_FIELDS | st.text(max_size=8), _CONDITIONS | _ANYTHING, max_size=2),
    )
)
def test_anything_is_a_filter_or_has_problems(theirs: Any) -> None:
    assert problems(theirs) or text(parse(canonical(ours(theirs)), CATALOG))
