"""Reads all commits of a run from the change stream, after the run."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from bson import Timestamp
from pymongo.database import Database

Json = dict[str, Any]
_COLLECTIONS = ("customers", "segments", "events", "orders", "members")
_END_COLLECTION = "endOfCommits"


def read_commits(
    database: Database[Json], since: Timestamp, until: Timestamp
) -> Iterator[list[Json]]:
    """Yields the changes of each commit, in order. Changes with one cluster time are one commit.

    Inserts a document after `until`, so that the stream reaches a later cluster time.
    """
    database[_END_COLLECTION].insert_one({})
    stages = [{"$match": {"ns.coll": {"$in": [*_COLLECTIONS, _END_COLLECTION]}}}]
    with database.watch(
        stages,
        start_at_operation_time=since,
        full_document="whenAvailable",
        max_await_time_ms=200,
    ) as stream:
        yield from (
            list(commit)
            for _, commit in groupby(_events(stream, until), key=lambda event: event["clusterTime"])
        )


def _events(stream: Any, until: Timestamp) -> Iterator[Json]:
    while True:
        event = stream.try_next()
        if event is None:
            continue
        if event["clusterTime"] > until:
            return
        yield event
