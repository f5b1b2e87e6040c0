"""What was measured, in Markdown."""

from collections.abc import Iterator

from tests.benchmarks.million.handwritten_plans import PLAIN_LOOKUP
from tests.benchmarks.million.plan_comparison import MAX_TIMEOUT_SECONDS, PROGRAM, Result

MAX_RATIO = 1.2


def table_lines(results: list[Result]) -> Iterator[str]:
    """A line a question: ours in milliseconds, against the best that is written by hand."""
    yield "| question | members | count | | best by hand | page | | best by hand | one | |"
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
    """The plain lookup from the customers' side against ours."""
    for name, timings in (("count", result.count), ("page", result.page)):
        seconds = timings.seconds_by_plan.get(PLAIN_LOOKUP)
        if seconds is None:
            yield f"{name}: the plain lookup takes more than {MAX_TIMEOUT_SECONDS:g} s"
        else:
            yield f"{name}: ours is {seconds / timings.program_seconds:.1f} times as fast as the plain lookup"


def detail_lines(result: Result) -> Iterator[str]:
    """Every way, the fastest first."""
    yield f"### {result.filter_case.name}: {result.filter_case.description}; {result.member_count:,} members"
    loose_reasons = {way.name: way.loose for way in result.filter_case.plans if way.loose}
    for name, timings in (
        ("count", result.count),
        ("page", result.page),
        ("one", result.single_membership),
    ):
        ranked = sorted(timings.seconds_by_plan.items(), key=lambda pair: pair[1])
        times = [
            f"{'**ours**' if way == PROGRAM else way} {_format_milliseconds(seconds)}"
            f"{' (loose)' if way in loose_reasons else ''}"
            for way, seconds in ranked
        ]
        times += [f"{way} >{seconds:.0f} s" for way, seconds in timings.timed_out.items()]
        yield f"- {name}: {'; '.join(times)}"
        for note in timings.notes:
            yield f"  - {note}"


def list_disagreements(results: list[Result]) -> list[str]:
    return [
        f"{result.filter_case.name}, {what}: {note}"
        for result in results
        for what, race in (
            ("count", result.count),
            ("page", result.page),
            ("one", result.single_membership),
        )
        for note in race.notes
        if "DISAGREES" in note
    ]


def _format_milliseconds(seconds: float) -> str:
    return f"{seconds * 1_000:,.1f} ms" if seconds < 0.1 else f"{seconds * 1_000:,.0f} ms"


def _format_ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio <= MAX_RATIO else f"**{ratio:.2f}**"
