"""Random test cases by Hypothesis, the same in every run."""

from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Value = TypeVar("Value")

# Hypothesis draws the seed alone. Of its own generators it draws each number, which takes longer
# than most tests.
RANDOM_GENERATORS = st.integers(0, 2**64 - 1).map(Random)


def repeatable(max_examples: int) -> settings:
    """Returns settings of a property test that runs the same examples every time.

    Hypothesis shrinks an example that fails. It keeps no database of examples.
    """
    return settings(
        max_examples=max_examples,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def draw(strategy: SearchStrategy[Value], max_values: int) -> list[Value]:
    """Returns values of the strategy: `max_values`, or all that it has."""
    values: list[Value] = []

    @settings(repeatable(max_values), phases=(Phase.generate,))
    @given(strategy)
    def collect(value: Value) -> None:
        values.append(value)

    collect()
    return values
