"""What was measured, in Markdown."""

from collections.abc import Iterator

from tests.benchmarks.million.by_hand import PLAIN
from tests.benchmarks.million.measure import LONGEST, OURS, Result

WANTED = 1.2


def table(results: list[Result]) -> Iterator[str]:
    """A line a question: ours in milliseconds, against the best that is written by hand."""
    yield "| question | members | count | | best by hand | page | | best by hand | one | |"
    yield "|---|--:|--:|--:|---|--:|--:|---|--:|--:|"
    for result in results:
        cells = [result.question.words, f"{result.members:,}"]
        for race in (result.count, result.page, result.one):
            cells += [_milliseconds(race.ours), _ratio(race.ratio)]
            if race is not result.one:
                name, seconds = race.best
                cells.append(f"{name} {_milliseconds(seconds)}")
        yield f"| {' | '.join(cells)} |"


def plain(result: Result) -> Iterator[str]:
    """The plain lookup from the customers' side against ours."""
    for name, race in (("count", result.count), ("page", result.page)):
        seconds = race.times.get(PLAIN)
        if seconds is None:
            yield f"{name}: the plain lookup takes more than {LONGEST:g} s"
        else:
            yield f"{name}: ours is {seconds / race.ours:.1f} times as fast as the plain lookup"


def details(result: Result) -> Iterator[str]:
    """Every way, the fastest first."""
    yield f"### {result.question.name}: {result.question.words}; {result.members:,} members"
    reasons = {way.name: way.loose for way in result.question.ways if way.loose}
    for name, race in (("count", result.count), ("page", result.page), ("one", result.one)):
        ranked = sorted(race.times.items(), key=lambda pair: pair[1])
        shown = [
            f"{'**ours**' if way == OURS else way} {_milliseconds(seconds)}"
            f"{' (loose)' if way in reasons else ''}"
            for way, seconds in ranked
        ]
        shown += [f"{way} >{seconds:.0f} s" for way, seconds in race.given_up.items()]
        yield f"- {name}: {'; '.join(shown)}"
        for note in race.notes:
            yield f"  - {note}"


def disagreements(results: list[Result]) -> list[str]:
    return [
        f"{result.question.name}, {what}: {note}"
        for result in results
        for what, race in (("count", result.count), ("page", result.page), ("one", result.one))
        for note in race.notes
        if "DISAGREES" in note
    ]


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1_000:,.1f} ms" if seconds < 0.1 else f"{seconds * 1_000:,.0f} ms"


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio <= WANTED else f"**{ratio:.2f}**"
