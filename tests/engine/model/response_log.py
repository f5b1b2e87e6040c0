"""Records the responses of the API during a run."""

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
class EventBatch:
    """The events of one call, by the mark in their properties.

    `accepted` is the number in the API's response; None if there was none.
    """

    event_marks: list[str]
    accepted: int | None = None


@dataclass
class ResponseLog:
    """Statistics of the responses: number, slowest, errors by code, causes of INTERNAL."""

    # The log of the API. It has the exception behind an INTERNAL.
    api_log: Sequence[MutableMapping[str, Any]]
    response_count: int = 0
    error_codes: Counter[str] = field(default_factory=Counter)
    internal_errors: Counter[str] = field(default_factory=Counter)
    event_batches: list[EventBatch] = field(default_factory=list)
    slowest_seconds: float = 0

    def find_cause(self, error: Json) -> str:
        request = error["extensions"].get("requestId")
        causes = (
            entry.get("exc_info") for entry in self.api_log if entry.get("request_id") == request
        )
        return _ID.sub("…", repr(next(causes, error["message"])))[:300]


@dataclass(frozen=True)
class RecordingApi(Api):
    """An API client that records every response."""

    response_log: ResponseLog

    async def execute(self, query: str, **variables: Any) -> Json:
        response_log = self.response_log
        response_log.response_count += 1
        started_at = time.monotonic()
        try:
            response = await super().execute(query, **variables)
        except Exception as failure:
            response_log.error_codes["no response"] += 1
            response_log.internal_errors[f"{_first_field_name(query)}: {failure!r}"] += 1
            raise
        response_log.slowest_seconds = max(
            response_log.slowest_seconds, time.monotonic() - started_at
        )
        for error in response.get("errors", ()):
            code = error.get("extensions", {}).get("code", "none")
            response_log.error_codes[code] += 1
            if code == "INTERNAL":
                response_log.internal_errors[
                    f"{_first_field_name(query)}: {response_log.find_cause(error)}"
                ] += 1
        return response

    async def track_events(self, rows: list[Json]) -> None:
        """Sends events in one call. The checker compares the stored events after the run."""
        batch = EventBatch([uuid4().hex for _ in rows])
        self.response_log.event_batches.append(batch)
        marked_rows = [
            {**row, "properties": {**row.get("properties", {}), "mark": mark}}
            for row, mark in zip(rows, batch.event_marks, strict=True)
        ]
        batch.accepted = (await self.bulk_upsert("eventsTrack", marked_rows))["accepted"]


def _first_field_name(query: str) -> str:
    """Returns the name of the first field of a query."""
    return query.partition("{")[2].strip().partition("(")[0].partition(" ")[0]
