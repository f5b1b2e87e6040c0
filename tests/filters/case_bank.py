"""Test cases that are drawn once and judge many mutations."""

from collections.abc import Callable
from typing import Generic, TypeVar

from hypothesis.strategies import SearchStrategy

from tests.filters.filter_strategies import Wire
from tests.random_cases import draw

Case = TypeVar("Case")
Wires = SearchStrategy[Wire]


class CaseBank(Generic[Case]):
    """Cases by the name of their kind, drawn with the unmodified code.

    `cases_of` draws a list of cases for one filter of a strategy.
    """

    def __init__(
        self, max_filters: int, cases_of: Callable[[Wires], SearchStrategy[list[Case]]]
    ) -> None:
        self._max_filters = max_filters
        self._cases_of = cases_of
        self._cases: dict[str, list[Case]] = {}

    def draw_cases(self, name: str, wires: Wires) -> list[Case]:
        """Returns the cases of the name. The first call draws them from the filters `wires`."""
        if name not in self._cases:
            drawn = draw(self._cases_of(wires), self._max_filters)
            self._cases[name] = [case for cases in drawn for case in cases]
        return self._cases[name]
