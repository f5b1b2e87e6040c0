"""Formats the measurements as Markdown."""

from collections.abc import Iterator

from tests.benchmarks.million.handwritten_plans import PLAIN_LOOKUP
from tests.benchmarks.million.plan_comparison import MAX_TIMEOUT_SECONDS, PROGRAM, Result

MAX_RATIO = 1.2


def table_lines(results: list[Result]) -> Iterator[str]:
    """One line per filter: milliseconds of the program, and the ratio to the best handwritten
    plan."""
    yield "| filter | members | count | ratio | best | page | ratio | best | one | ratio |"
    yield "|---|--:|--:|--:|---|--:|--:|---|--:|--:|"
    for result in results:
        cells = [result.filter_case.description, f"{result.member_count:,}"]
        for timings in (result.count, result.page, result.single_membership):
            cells += [_format_milliseconds(timings.program_seconds), _format_ratio(timings.ratio)]
            if timings is not result.single_membership:
                name, seconds = timings.best_plan
                cells.append(f"{name} {_format_milliseconds(seconds)}")
        yield f"| {' | '.join(cells)} |"


def plain_lookup_lines(result: Result) -> Iterator[str]:
    """Compares the program with the plain `$lookup` from the customers."""
    for name, timings in (("count", result.count), ("page", result.page)):
        seconds = timings.seconds_by_plan.get(PLAIN_LOOKUP)
        if seconds is None:
            yield f"{name}: the plain lookup takes more than {MAX_TIMEOUT_SECONDS:g} s"
        else:
            speedup = seconds / timings.program_seconds
            yield f"{name}: the program is {speedup:.1f} times as fast as the plain lookup"


def detail_lines(result: Result) -> Iterator[str]:
    """Every plan of a filter, the fastest first."""
    filter_case = result.filter_case
    yield f"### {filter_case.name}: {filter_case.description}; {result.member_count:,} members"
    loose_plans = {plan.name for plan in filter_case.plans if plan.loose}
    for name, timings in (
        ("count", result.count),
        ("page", result.page),
        ("one", result.single_membership),
    ):
        ranked = sorted(timings.seconds_by_plan.items(), key=lambda pair: pair[1])
        times = [
            f"{'**the program**' if plan == PROGRAM else plan} {_format_milliseconds(seconds)}"
            f"{' (loose)' if plan in loose_plans else ''}"
            for plan, seconds in ranked
        ]
        times += [f"{plan} >{seconds:.0f} s" for plan, seconds in timings.timed_out.items()]
        yield f"- {name}: {'; '.join(times)}"
        for note in timings.notes:
            yield f"  - {note}"


def list_disagreements(results: list[Result]) -> list[str]:
    return [
        f"{result.filter_case.name}, {query}: {note}"
        for result in results
        for query, timings in (
            ("count", result.count),
            ("page", result.page),
            ("one", result.single_membership),
        )
        for note in timings.notes
        if "DISAGREES" in note
    ]


def _format_milliseconds(seconds: float) -> str:
    return f"{seconds * 1_000:,.1f} ms" if seconds < 0.1 else f"{seconds * 1_000:,.0f} ms"


def _format_ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio <= MAX_RATIO else f"**{ratio:.2f}**"
