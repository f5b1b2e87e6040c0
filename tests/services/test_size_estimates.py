"""The size of a filter, estimated from a sample."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.size_estimates import MemberCount, estimate_from_sample
from tests.random_cases import repeatable

SAMPLE_SIZE = 2_000
CUSTOMER_COUNT = 1_000_000


@repeatable(300)
@given(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 10**9))
def test_an_estimate_lies_within_the_population(
    matching_count: int, sampled_count: int, customer_count: int
) -> None:
    sampled_count = max(sampled_count, matching_count)
    estimate = estimate_from_sample(matching_count, sampled_count, customer_count)

    assert not estimate.is_exact
    assert 0 <= estimate.value <= max(customer_count, sampled_count)
    assert estimate.margin_of_error >= 0


@repeatable(100)
@given(st.integers(0, 5_000), st.integers(1, 5_000))
def test_a_sample_of_all_customers_has_no_error(matching_count: int, customer_count: int) -> None:
    matching_count = min(matching_count, customer_count)

    assert estimate_from_sample(matching_count, customer_count, customer_count) == MemberCount(
        matching_count, 0, is_exact=False
    )


@pytest.mark.parametrize("share", [0.0005, 0.01, 0.3, 0.5, 0.97, 1.0])
def test_the_margin_holds_95_times_of_100(share: float) -> None:
    random, held, attempts = Random(7), 0, 400
    for _ in range(attempts):
        matching_count = sum(random.random() < share for _ in range(SAMPLE_SIZE))
        estimate = estimate_from_sample(matching_count, SAMPLE_SIZE, CUSTOMER_COUNT)
        held += abs(estimate.value - share * CUSTOMER_COUNT) <= estimate.margin_of_error

    assert 0.92 * attempts <= held
    # A wider margin would say less than the sample does.
    assert estimate.margin_of_error <= 0.023 * CUSTOMER_COUNT


def test_a_sample_without_matches_has_a_margin() -> None:
    estimate = estimate_from_sample(0, SAMPLE_SIZE, CUSTOMER_COUNT)

    assert estimate.value == 0
    assert 1_000 < estimate.margin_of_error < 3_000
