"""What the API answers, written down."""

import re
import time
from collections import Counter
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.api import Api

Json = dict[str, Any]
_ID = re.compile("[0-9a-f]{16,}")


@dataclass
class Call:
    """Events that were sent in one call, by the mark that each bears; how many of them the API said
    it took, None where it did not say."""

    marks: list[str]
    accepted: int | None = None


@dataclass
class Answers:
    """How many there were, the slowest, their errors by code, and the causes of each
    INTERNAL."""

    # What the API has logged: there it says what an INTERNAL comes of.
    log: Sequence[MutableMapping[str, Any]]
    number: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    internal: Counter[str] = field(default_factory=Counter)
    calls: list[Call] = field(default_factory=list)
    slowest_seconds: float = 0

    def cause_of(self, error: Json) -> str:
        request = error["extensions"].get("requestId")
        causes = (entry.get("exc_info") for entry in self.log if entry.get("request_id") == request)
        return _ID.sub("…", repr(next(causes, error["message"])))[:300]


@dataclass(frozen=True)
class WatchedApi(Api):
    """The API, of whose answers everything is known."""

    answers: Answers

    async def answer(self, query: str, **variables: Any) -> Json:
        answers = self.answers
        answers.number += 1
        began = time.monotonic()
        try:
            answer = await super().answer(query, **variables)
        except Exception as failure:
            answers.codes["no answer"] += 1
            answers.internal[f"{_name(query)}: {failure!r}"] += 1
            raise
        answers.slowest_seconds = max(answers.slowest_seconds, time.monotonic() - began)
        for error in answer.get("errors", ()):
            code = error.get("extensions", {}).get("code", "none")
            answers.codes[code] += 1
            if code == "INTERNAL":
                answers.internal[f"{_name(query)}: {answers.cause_of(error)}"] += 1
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
