"""What the API answers, written down."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.api import Api

Json = dict[str, Any]


@dataclass
class Call:
    """Events that were sent in one call, by the mark that each bears; how many of them the API said
    it took, None where it did not say."""

    marks: list[str]
    accepted: int | None = None


@dataclass
class Answers:
    """How many there were, their errors by code, and each INTERNAL."""

    number: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    internal: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


@dataclass(frozen=True)
class WatchedApi(Api):
    """The API, of whose answers everything is known."""

    answers: Answers = field(default_factory=Answers)

    async def answer(self, query: str, **variables: Any) -> Json:
        answers = self.answers
        answers.number += 1
        try:
            answer = await super().answer(query, **variables)
        except Exception as failure:
            answers.codes["no answer"] += 1
            answers.internal.append(f"{_name(query)}: {failure!r}")
            raise
        for error in answer.get("errors", ()):
            code = error.get("extensions", {}).get("code", "none")
            answers.codes[code] += 1
            if code == "INTERNAL":
                answers.internal.append(f"{_name(query)}: {error['message']}")
        return answer

    async def track(self, rows: list[Json]) -> None:
        """Sends events in one call; what they bring is looked at when all is over."""
        call = Call([uuid4().hex for _ in rows])
        self.answers.calls.append(call)
        marked = [
            {**row, "properties": {**row.get("properties", {}), "mark": mark}}
            for row, mark in zip(rows, call.marks, strict=True)
        ]
        call.accepted = (await self.many("eventsTrack", marked))["accepted"]


def _name(query: str) -> str:
    """The first field that is asked for."""
    return query.partition("{")[2].strip().partition("(")[0].partition(" ")[0]
