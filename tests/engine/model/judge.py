"""The log, the ledger and the events, held against the truth."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId, Timestamp
from pymongo.database import Database

from app.filters import Calendar
from tests.engine.model.answers import Call
from tests.engine.model.history import history
from tests.engine.model.replay import Replay, Told, differences

Json = dict[str, Any]


def problems_of(
    database: Database[Json],
    calendar: Calendar,
    calls: Iterable[Call],
    since: Timestamp,
    end: Timestamp,
    now: datetime,
) -> list[str]:
    """All that is not as what was committed between the two times says, as of the instant."""
    replay = Replay(calendar)
    replay.play(history(database, since, end))
    replay.pass_time(now)
    return [
        *differences(replay.told, log_of(database, now)),
        *_ledger_problems(database),
        *_sequence_problems(database),
        *_call_problems(calls, replay.brought),
    ]


def log_of(database: Database[Json], until: datetime) -> dict[tuple[str, Any], list[Told]]:
    """What the log says, by segment and customer, of what happened until an instant."""
    told: dict[tuple[str, Any], list[Told]] = {}
    for row in database.transitions.find().sort("_id", 1):
        if row["at"] <= until:
            transition = Told(row["type"], row["cause"], row["at"])
            told.setdefault((f"seg_{row['segmentId']}", row["customerId"]), []).append(transition)
    return told


def _sequence_problems(database: Database[Json]) -> list[str]:
    problems = []
    rows = database.transitions.find({}, {"_id": 1}).sort("_id", 1)
    sequences = [int(str(row["_id"]), 16) for row in rows]
    if sequences != list(range(1, len(sequences) + 1)):
        problems.append("the sequence has gaps")
    counted = database.fences.find_one({"_id": "log"})
    if counted is None or counted["sequence"] != len(sequences):
        problems.append(f"the counter says {counted}, the log has {len(sequences)}")
    return problems


def _ledger_problems(database: Database[Json]) -> list[str]:
    """Where the ledger is not what the log and the rules say, for the customers who are there."""
    there = {row["_id"]: row for row in database.customers.find({}, {"loyalty": 1})}
    reader = database.checkpoints.find_one({"_id": "loyalty"})
    assert reader
    # As far as points have been given by now.
    read = {"_id": {"$lte": ObjectId(f"{reader['sequence']:024x}")}}
    entered: dict[Any, list[Json]] = {}
    for row in database.transitions.find({"type": "ENTERED", **read}):
        if row["customerId"] in there:
            entered.setdefault(row["segmentId"], []).append(row)
    wanted: set[tuple[Any, Any, int]] = set()
    for rule in database.earningRules.find():
        since, until = rule["since"], rule.get("until")
        for row in entered.get(rule["segmentId"], ()):
            sequence = int(str(row["_id"]), 16)
            if since < sequence and (until is None or sequence <= until):
                wanted.add((rule["_id"], row["_id"], rule["points"]["fixed"]))
    found, totals = [], Counter[Any]()
    # What the others have left is swept up by and by.
    for row in database.ledger.find():
        if row["customerId"] in there:
            found.append((row["ruleId"], row["transitionId"], row["points"]))
            totals[row["customerId"]] += row["points"]
    problems = []
    if set(found) != wanted or len(found) != len(wanted):
        problems.append(f"the ledger has {len(found)} entries, {len(wanted)} are wanted")
    for key, customer in there.items():
        if customer.get("loyalty", {}).get("points", 0) != totals[key]:
            problems.append(f"{key} has {customer.get('loyalty')}, and entries of {totals[key]}")
    return problems


def _call_problems(calls: Iterable[Call], brought: Mapping[str, int]) -> list[str]:
    """Where a call has stored its events twice, or not at all although it said that it had."""
    problems = []
    for call in calls:
        stored = [brought.get(mark, 0) for mark in call.marks]
        if max(stored, default=0) > 1:
            problems.append(f"a call has stored events twice: {stored}")
        elif call.accepted is not None and sum(stored) != call.accepted:
            problems.append(f"a call has stored {sum(stored)} events, and told {call.accepted}")
    return problems
