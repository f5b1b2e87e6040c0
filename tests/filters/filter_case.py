"""Filters with known members, which a mutation of the pipeline must change."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hypothesis import strategies as st
from pymongo.errors import OperationFailure

from app.filters import Filter, Now, parse
from tests.filters.case_bank import CaseBank, Wires
from tests.filters.corpus import CATALOG, NOWS
from tests.filters.dual_evaluator import DualEvaluator

_MAX_FILTERS = 120


@dataclass
class FilterCase:
    """A filter with the correct members."""

    filter: Filter
    now: Now
    dual_evaluator: DualEvaluator

    @cached_property
    def expected_customers(self) -> set[Any]:
        return self.dual_evaluator.select_by_evaluator(self.filter, self.now)

    def is_detected(self) -> bool:
        try:
            return (
                self.dual_evaluator.select_by_pipeline(self.filter, self.now)
                != self.expected_customers
            )
        except (OperationFailure, AssertionError):
            return True


def filter_case_bank(dual_evaluator: DualEvaluator) -> CaseBank[FilterCase]:
    """Returns a bank of filters at the instants of the corpus."""

    def cases_of(wires: Wires) -> st.SearchStrategy[list[FilterCase]]:
        return st.builds(
            lambda wire, now: [FilterCase(parse(wire, CATALOG), now, dual_evaluator)],
            wires,
            st.sampled_from(NOWS),
        )

    return CaseBank(_MAX_FILTERS, cases_of)
