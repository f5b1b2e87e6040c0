"""Both sides put to a question: first whether they agree, then how long each takes, in turns."""

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from pymongo.errors import ExecutionTimeout, OperationFailure

from tests.benchmarks.million.by_hand import PLAIN, Find, Number, Pipe, Way
from tests.benchmarks.million.ours import Ours
from tests.benchmarks.million.question import Question
from tests.benchmarks.million.shop import source_id
from tests.benchmarks.million.theirs import Theirs

Ask = Callable[[float], Awaitable[Any]]

OURS = "ours"
PEOPLE = 60
# A way that took so many times what the best took is not asked again.
HOPELESS = 3
# Nor does it go on for so many times of that, unless that is still soon.
GIVEN_UP, SOON_ENOUGH, LONGEST = 8, 5.0, 60.0
# What is done so soon is done more often.
SOON = 0.1


@dataclass
class Race:
    """How long each took, in seconds; those given up after so many are apart."""

    times: dict[str, float] = field(default_factory=dict)
    given_up: dict[str, float] = field(default_factory=dict)
    loose: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    @property
    def ours(self) -> float:
        return self.times[OURS] if OURS in self.times else self.given_up[OURS]

    @property
    def best(self) -> tuple[str, float]:
        """The fastest of the ways that are right."""
        right = [
            (seconds, name)
            for name, seconds in self.times.items()
            if name != OURS and name not in self.loose
        ]
        seconds, name = min(right)
        return name, seconds

    @property
    def ratio(self) -> float:
        return self.ours / self.best[1]


@dataclass
class Result:
    """All that was measured of a question."""

    question: Question
    members: int
    count: Race
    page: Race
    one: Race


class Judge:
    """Asks both sides the same."""

    def __init__(self, ours: Ours, theirs: Theirs, rounds: int, customers: int) -> None:
        self._ours = ours
        self._theirs = theirs
        self._rounds = rounds
        dice = Random(2026)
        self._people = [source_id(dice.randrange(customers)) for _ in range(PEOPLE)]

    async def judge(self, question: Question) -> Result:
        tree = await self._ours.parse(question.filter)
        counts: dict[str, Ask] = {OURS: lambda _: self._ours.count(tree)}
        pages: dict[str, Ask] = {OURS: lambda _: self._ours.page(tree)}
        for way in question.ways:
            if way.only != "page":
                counts[way.name] = lambda s, way=way: self._theirs.count(way, s)  # type: ignore[misc]
            if way.only != "count" and not isinstance(way, Number):
                pages[way.name] = lambda s, way=way: self._theirs.page(way, s)  # type: ignore[misc]
        assert len({way.name for way in question.ways}) == len(question.ways), question.name
        loose = {way.name for way in question.ways if way.loose}
        members, count = await self._race(counts, loose)
        _, page = await self._race(pages, loose)
        return Result(question, members, count, page, await self._one(question))

    async def _race(self, asks: Mapping[str, Ask], loose: set[str]) -> tuple[Any, Race]:
        race = Race(loose=loose)
        answers: dict[str, Any] = {}
        for name, ask in asks.items():
            limit = _limit(name, race)
            try:
                race.times[name], answers[name] = await _timed(lambda: ask(limit))  # noqa: B023
            except ExecutionTimeout:
                race.given_up[name] = limit
            except OperationFailure as error:
                race.notes.append(f"{name} can't be asked: {str(error)[:120]}")
        judge = next(name for name in answers if name not in loose)
        for name, answer in answers.items():
            if answer != answers[judge]:
                kind = "loose" if name in loose else "DISAGREES"
                given = f"{_short(answer)}, {judge} {_short(answers[judge])}"
                race.notes.append(f"{name} {kind}: {given}")
        await self._again(race, asks)
        return answers[judge], race

    async def _again(self, race: Race, asks: Mapping[str, Ask]) -> None:
        """Rounds in turns of those who may still win."""
        best = min(seconds for name, seconds in race.times.items() if name != OURS)
        limits = {OURS: max(SOON_ENOUGH, GIVEN_UP * best)}
        hopeful = [
            name
            for name, seconds in race.times.items()
            if seconds < limits.get(name, HOPELESS * best + 0.02)
        ]
        often = 1 if race.ours > SOON else 4
        rounds: dict[str, list[float]] = {name: [] for name in hopeful}
        for _ in range(self._rounds * often):
            for name in hopeful:
                seconds, _ = await _timed(lambda: asks[name](LONGEST))  # noqa: B023
                rounds[name].append(seconds)
        race.times.update({name: statistics.median(times) for name, times in rounds.items()})

    async def _one(self, question: Question) -> Race:
        """One person's membership after the other's; the median person's."""
        segment = await self._ours.save(
            f"benchmark {question.name} {time.time_ns()}", question.filter
        )
        try:
            asks: dict[str, Callable[[str], Awaitable[bool]]] = {
                OURS: lambda person: self._ours.is_member(person, segment)
            }
            for way in _row_by_row(question.ways):
                asks[way.name] = lambda person, way=way: self._theirs.is_member(way, person)  # type: ignore[misc]
            if steps := question.steps:
                asks["in steps"] = lambda person: self._theirs.stepped(steps, person)
            race = Race(loose={way.name for way in question.ways if way.loose})
            times: dict[str, list[float]] = {name: [] for name in asks}
            for person in self._people:
                answers = {}
                for name, ask in asks.items():
                    await ask(person)
                    seconds, answers[name] = await _timed(lambda: ask(person))  # noqa: B023
                    times[name].append(seconds)
                if len(set(answers.values())) > 1:
                    race.notes.append(f"DISAGREES about {person}: {answers}")
            race.times = {name: statistics.median(taken) for name, taken in times.items()}
        finally:
            await self._ours.delete(segment)
        return race


def _row_by_row(ways: Sequence[Way]) -> list[Way]:
    return [
        way
        for way in ways
        if (isinstance(way, Find) or (isinstance(way, Pipe) and way.row_by_row)) and not way.hint
    ]


def _limit(name: str, race: Race) -> float:
    """The plain lookup is given all the time: it has a ratio of its own."""
    if name in (OURS, PLAIN):
        return LONGEST
    best = min((seconds for way, seconds in race.times.items() if way != OURS), default=LONGEST)
    return min(LONGEST, max(SOON_ENOUGH, GIVEN_UP * best))


async def _timed(ask: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = await ask()
    return time.perf_counter() - began, answer


def _short(answer: Any) -> str:
    if isinstance(answer, list):
        return f"{len(answer)} from {answer[0] if answer else None} to {answer[-1:]}"
    return f"{answer:,}"
