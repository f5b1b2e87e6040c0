"""Compares the program with handwritten plans: first their results, then their times, in turns."""

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from pymongo.errors import ExecutionTimeout, OperationFailure

from tests.benchmarks.million.activities import source_id
from tests.benchmarks.million.filter_case import FilterCase
from tests.benchmarks.million.handwritten_plans import (
    PLAIN_LOOKUP,
    AggregationPlan,
    CountPlan,
    FindPlan,
    Plan,
)
from tests.benchmarks.million.handwritten_queries import HandwrittenQueries
from tests.benchmarks.million.program_under_test import ProgramUnderTest

TimedQuery = Callable[[float], Awaitable[Any]]

PROGRAM = "ours"
SAMPLED_CUSTOMERS = 60
# A plan that is this many times slower than the best one runs only once.
MAX_TIMES_SLOWER = 3
# A plan is stopped after this many times the time of the best one, within these limits.
TIMEOUT_FACTOR = 8
MIN_TIMEOUT_SECONDS = 5.0
MAX_TIMEOUT_SECONDS = 60.0
# Faster queries than this run more often.
REPEAT_BELOW_SECONDS = 0.1


@dataclass
class Timings:
    """Seconds of each plan. `timed_out` holds the time limits of the plans that were stopped."""

    seconds_by_plan: dict[str, float] = field(default_factory=dict)
    timed_out: dict[str, float] = field(default_factory=dict)
    loose_plans: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    @property
    def program_seconds(self) -> float:
        return (
            self.seconds_by_plan[PROGRAM]
            if PROGRAM in self.seconds_by_plan
            else self.timed_out[PROGRAM]
        )

    @property
    def best_plan(self) -> tuple[str, float]:
        """The name and the seconds of the fastest exact plan."""
        exact_plans = [
            (seconds, name)
            for name, seconds in self.seconds_by_plan.items()
            if name != PROGRAM and name not in self.loose_plans
        ]
        seconds, name = min(exact_plans)
        return name, seconds

    @property
    def ratio(self) -> float:
        return self.program_seconds / self.best_plan[1]


@dataclass
class Result:
    """The measurements of one filter."""

    filter_case: FilterCase
    member_count: int
    count: Timings
    page: Timings
    single_membership: Timings


class PlanComparison:
    """Runs a filter through the program and through handwritten plans."""

    def __init__(
        self,
        program: ProgramUnderTest,
        handwritten: HandwrittenQueries,
        rounds: int,
        customers: int,
    ) -> None:
        self._program = program
        self._handwritten = handwritten
        self._rounds = rounds
        rng = Random(2026)
        self._source_ids = [source_id(rng.randrange(customers)) for _ in range(SAMPLED_CUSTOMERS)]

    async def compare(self, filter_case: FilterCase) -> Result:
        tree = await self._program.parse(filter_case.filter)
        count_queries: dict[str, TimedQuery] = {PROGRAM: lambda _: self._program.count(tree)}
        page_queries: dict[str, TimedQuery] = {PROGRAM: lambda _: self._program.page(tree)}
        for plan in filter_case.plans:
            if plan.only != "page":
                count_queries[plan.name] = lambda timeout_seconds, plan=plan: (
                    self._handwritten.count(plan, timeout_seconds)
                )  # type: ignore[misc]
            if plan.only != "count" and not isinstance(plan, CountPlan):
                page_queries[plan.name] = lambda timeout_seconds, plan=plan: self._handwritten.page(
                    plan, timeout_seconds
                )  # type: ignore[misc]
        assert len({plan.name for plan in filter_case.plans}) == len(filter_case.plans), (
            filter_case.name
        )
        loose = {plan.name for plan in filter_case.plans if plan.loose}
        members, count = await self._time_queries(count_queries, loose)
        _, page = await self._time_queries(page_queries, loose)
        return Result(
            filter_case, members, count, page, await self._time_single_membership(filter_case)
        )

    async def _time_queries(
        self, queries: Mapping[str, TimedQuery], loose: set[str]
    ) -> tuple[Any, Timings]:
        timings = Timings(loose_plans=loose)
        answers: dict[str, Any] = {}
        for name, query in queries.items():
            limit = _timeout_seconds(name, timings)
            try:
                timings.seconds_by_plan[name], answers[name] = await _time_query(
                    partial(query, limit)
                )
            except ExecutionTimeout:
                timings.timed_out[name] = limit
            except OperationFailure as error:
                timings.notes.append(f"{name} failed: {str(error)[:120]}")
        reference_name = next(name for name in answers if name not in loose)
        for name, answer in answers.items():
            if answer != answers[reference_name]:
                kind = "loose" if name in loose else "DISAGREES"
                reference = _summarize_result(answers[reference_name])
                timings.notes.append(
                    f"{name} {kind}: {_summarize_result(answer)}, {reference_name} {reference}"
                )
        await self._repeat_candidates(timings, queries)
        return answers[reference_name], timings

    async def _repeat_candidates(self, timings: Timings, queries: Mapping[str, TimedQuery]) -> None:
        """Runs the plans that may still be the fastest several times, in turns."""
        best = min(seconds for name, seconds in timings.seconds_by_plan.items() if name != PROGRAM)
        limits_seconds = {PROGRAM: max(MIN_TIMEOUT_SECONDS, TIMEOUT_FACTOR * best)}
        candidates = [
            name
            for name, seconds in timings.seconds_by_plan.items()
            if seconds < limits_seconds.get(name, MAX_TIMES_SLOWER * best + 0.02)
        ]
        repetitions = 1 if timings.program_seconds > REPEAT_BELOW_SECONDS else 4
        rounds: dict[str, list[float]] = {name: [] for name in candidates}
        for _ in range(self._rounds * repetitions):
            for name in candidates:
                seconds, _ = await _time_query(lambda: queries[name](MAX_TIMEOUT_SECONDS))  # noqa: B023
                rounds[name].append(seconds)
        timings.seconds_by_plan.update(
            {name: statistics.median(times) for name, times in rounds.items()}
        )

    async def _time_single_membership(self, filter_case: FilterCase) -> Timings:
        """Times one membership query for each sampled customer; returns the medians."""
        segment = await self._program.create_segment(
            f"benchmark {filter_case.name} {time.time_ns()}", filter_case.filter
        )
        try:
            queries: dict[str, Callable[[str], Awaitable[bool]]] = {
                PROGRAM: lambda customer_source_id: self._program.is_member(
                    customer_source_id, segment
                )
            }
            for plan in _plans_for_one_customer(filter_case.plans):
                queries[plan.name] = lambda customer_source_id, plan=plan: (
                    self._handwritten.is_member(plan, customer_source_id)
                )  # type: ignore[misc]
            if steps := filter_case.membership_steps:
                queries["in steps"] = lambda customer_source_id: (
                    self._handwritten.is_member_in_steps(steps, customer_source_id)
                )
            timings = Timings(loose_plans={plan.name for plan in filter_case.plans if plan.loose})
            times: dict[str, list[float]] = {name: [] for name in queries}
            for customer_source_id in self._source_ids:
                answers = {}
                for name, query in queries.items():
                    await query(customer_source_id)
                    seconds, answers[name] = await _time_query(lambda: query(customer_source_id))  # noqa: B023
                    times[name].append(seconds)
                if len(set(answers.values())) > 1:
                    timings.notes.append(f"DISAGREES about {customer_source_id}: {answers}")
            timings.seconds_by_plan = {
                name: statistics.median(seconds) for name, seconds in times.items()
            }
        finally:
            await self._program.delete_segment(segment)
        return timings


def _plans_for_one_customer(plans: Sequence[Plan]) -> list[Plan]:
    return [
        plan
        for plan in plans
        if (
            isinstance(plan, FindPlan) or (isinstance(plan, AggregationPlan) and plan.is_row_by_row)
        )
        and not plan.hint
    ]


def _timeout_seconds(name: str, timings: Timings) -> float:
    """The plain lookup gets the longest limit: the report compares it separately."""
    if name in (PROGRAM, PLAIN_LOOKUP):
        return MAX_TIMEOUT_SECONDS
    best = min(
        (seconds for name, seconds in timings.seconds_by_plan.items() if name != PROGRAM),
        default=MAX_TIMEOUT_SECONDS,
    )
    return min(MAX_TIMEOUT_SECONDS, max(MIN_TIMEOUT_SECONDS, TIMEOUT_FACTOR * best))


async def _time_query(query: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    started_at = time.perf_counter()
    result = await query()
    return time.perf_counter() - started_at, result


def _summarize_result(result: Any) -> str:
    if isinstance(result, list):
        return f"{len(result)} from {result[0] if result else None} to {result[-1:]}"
    return f"{result:,}"
