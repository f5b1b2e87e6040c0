"""Both sides put to a question: first whether they agree, then how long each takes, in turns."""

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
# A way that took so many times what the best took is not asked again.
MAX_TIMES_SLOWER = 3
# Nor does it go on for so many times of that, unless that is still soon.
TIMEOUT_FACTOR, MIN_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS = 8, 5.0, 60.0
# What is done so soon is done more often.
REPEAT_BELOW_SECONDS = 0.1


@dataclass
class Timings:
    """How long each took, in seconds; those given up after so many are apart."""

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
        """The fastest of the ways that are right."""
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
    """All that was measured of a question."""

    filter_case: FilterCase
    member_count: int
    count: Timings
    page: Timings
    single_membership: Timings


class PlanComparison:
    """Asks both sides the same."""

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
        for way in filter_case.plans:
            if way.only != "page":
                count_queries[way.name] = lambda s, way=way: self._handwritten.count(way, s)  # type: ignore[misc]
            if way.only != "count" and not isinstance(way, CountPlan):
                page_queries[way.name] = lambda s, way=way: self._handwritten.page(way, s)  # type: ignore[misc]
        assert len({way.name for way in filter_case.plans}) == len(filter_case.plans), (
            filter_case.name
        )
        loose = {way.name for way in filter_case.plans if way.loose}
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
                timings.notes.append(f"{name} can't be asked: {str(error)[:120]}")
        reference_name = next(name for name in answers if name not in loose)
        for name, answer in answers.items():
            if answer != answers[reference_name]:
                kind = "loose" if name in loose else "DISAGREES"
                results_text = f"{_summarize_result(answer)}, {reference_name} {_summarize_result(answers[reference_name])}"
                timings.notes.append(f"{name} {kind}: {results_text}")
        await self._repeat_candidates(timings, queries)
        return answers[reference_name], timings

    async def _repeat_candidates(self, timings: Timings, queries: Mapping[str, TimedQuery]) -> None:
        """Rounds in turns of those who may still win."""
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
        """One person's membership after the other's; the median person's."""
        segment = await self._program.create_segment(
            f"benchmark {filter_case.name} {time.time_ns()}", filter_case.filter
        )
        try:
            queries: dict[str, Callable[[str], Awaitable[bool]]] = {
                PROGRAM: lambda customer_source_id: self._program.is_member(
                    customer_source_id, segment
                )
            }
            for way in _plans_for_one_customer(filter_case.plans):
                queries[way.name] = lambda customer_source_id, way=way: self._handwritten.is_member(
                    way, customer_source_id
                )  # type: ignore[misc]
            if steps := filter_case.membership_steps:
                queries["in steps"] = lambda customer_source_id: (
                    self._handwritten.is_member_in_steps(steps, customer_source_id)
                )
            timings = Timings(loose_plans={way.name for way in filter_case.plans if way.loose})
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
                name: statistics.median(taken) for name, taken in times.items()
            }
        finally:
            await self._program.delete_segment(segment)
        return timings


def _plans_for_one_customer(plans: Sequence[Plan]) -> list[Plan]:
    return [
        way
        for way in plans
        if (isinstance(way, FindPlan) or (isinstance(way, AggregationPlan) and way.is_row_by_row))
        and not way.hint
    ]


def _timeout_seconds(name: str, timings: Timings) -> float:
    """The plain lookup is given all the time: it has a ratio of its own."""
    if name in (PROGRAM, PLAIN_LOOKUP):
        return MAX_TIMEOUT_SECONDS
    best = min(
        (seconds for way, seconds in timings.seconds_by_plan.items() if way != PROGRAM),
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
