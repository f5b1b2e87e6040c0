"""Checks the transition log, the ledger and the stored events after a run."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId, Timestamp
from pymongo.database import Database

from app.filters import Calendar
from tests.engine.model.commits import read_commits
from tests.engine.model.replay import LoggedTransition, Replay, find_differences
from tests.engine.model.response_log import EventBatch

Json = dict[str, Any]


def find_problems(
    database: Database[Json],
    calendar: Calendar,
    event_batches: Iterable[EventBatch],
    start_time: Timestamp,
    end_time: Timestamp,
    now: datetime,
) -> list[str]:
    """Returns a description of each difference from the commits between the two cluster times.

    `now` is the instant until which timers count.
    """
    replay = Replay(calendar)
    replay.apply_commits(read_commits(database, start_time, end_time))
    replay.advance_all(now)
    return [
        *find_differences(replay.transitions, read_log(database, now)),
        *_ledger_problems(database),
        *_sequence_problems(database),
        *_event_batch_problems(event_batches, replay.event_mark_counts),
    ]


def read_log(
    database: Database[Json], until: datetime
) -> dict[tuple[str, Any], list[LoggedTransition]]:
    """Returns the transitions until an instant, by segment and customer."""
    transitions_by_membership: dict[tuple[str, Any], list[LoggedTransition]] = {}
    for row in database.transitions.find().sort("_id", 1):
        if row["at"] <= until:
            transition = LoggedTransition(row["type"], row["cause"], row["at"])
            transitions_by_membership.setdefault(
                (f"seg_{row['segmentId']}", row["customerId"]), []
            ).append(transition)
    return transitions_by_membership


def _sequence_problems(database: Database[Json]) -> list[str]:
    problems = []
    rows = database.transitions.find({}, {"_id": 1}).sort("_id", 1)
    sequences = [int(str(row["_id"]), 16) for row in rows]
    if sequences != list(range(1, len(sequences) + 1)):
        problems.append("the sequence has gaps")
    counter = database.counters.find_one({"_id": "transitionLogEnd"})
    if counter is None or counter["sequence"] != len(sequences):
        problems.append(f"the counter is {counter}, the log has {len(sequences)} transitions")
    return problems


def _ledger_problems(database: Database[Json]) -> list[str]:
    """Compares the ledger with the log and the earning rules, for the customers that exist."""
    customers_by_id = {row["_id"]: row for row in database.customers.find({}, {"loyalty": 1})}
    checkpoint = database.checkpoints.find_one({"_id": "loyalty"})
    assert checkpoint
    # The consumer has processed the log until its checkpoint.
    read_filter = {"_id": {"$lte": ObjectId(f"{checkpoint['sequence']:024x}")}}
    entered_by_segment: dict[Any, list[Json]] = {}
    for row in database.transitions.find({"type": "ENTERED", **read_filter}):
        if row["customerId"] in customers_by_id:
            entered_by_segment.setdefault(row["segmentId"], []).append(row)
    expected: set[tuple[Any, Any, int]] = set()
    for rule in database.earningRules.find():
        since, until = rule["sinceSequence"], rule.get("untilSequence")
        for row in entered_by_segment.get(rule["segmentId"], ()):
            sequence = int(str(row["_id"]), 16)
            if since < sequence and (until is None or sequence <= until):
                expected.add((rule["_id"], row["_id"], rule["points"]["fixed"]))
    actual, totals = [], Counter[Any]()
    # The sweeper removes the entries of deleted customers later.
    for row in database.ledger.find():
        if row["customerId"] in customers_by_id:
            actual.append((row["ruleId"], row["transitionId"], row["points"]))
            totals[row["customerId"]] += row["points"]
    problems = []
    if set(actual) != expected or len(actual) != len(expected):
        problems.append(f"the ledger has {len(actual)} entries, expected {len(expected)}")
    for key, customer in customers_by_id.items():
        if customer.get("loyalty", {}).get("points", 0) != totals[key]:
            problems.append(
                f"{key} has {customer.get('loyalty')}, its entries sum up to {totals[key]}"
            )
    return problems


def _event_batch_problems(
    event_batches: Iterable[EventBatch], event_counts: Mapping[str, int]
) -> list[str]:
    """Finds calls that stored an event twice, or not as many as the API accepted."""
    problems = []
    for batch in event_batches:
        stored = [event_counts.get(mark, 0) for mark in batch.event_marks]
        if max(stored, default=0) > 1:
            problems.append(f"a call has stored events twice: {stored}")
        elif batch.accepted is not None and sum(stored) != batch.accepted:
            problems.append(
                f"a call has stored {sum(stored)} events, and accepted {batch.accepted}"
            )
    return problems
