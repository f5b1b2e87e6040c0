"""Checks deliveries, points, rewards, codes and received webhooks against the transition log."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from tests.deliveries.receiver import ReceivedRequest
from tests.services.referral_model import list_reward_problems

Json = dict[str, Any]


def find_problems(
    database: Database[Json],
    requests: Iterable[ReceivedRequest],
    baseline: set[tuple[ObjectId, ObjectId]],
) -> list[str]:
    """Returns a description of each difference. `baseline` holds the segments and customers that
    were members at the activation."""
    log = list(database.transitions.find().sort("_id", 1))
    return [
        *_log_problems(log, baseline),
        *_delivery_problems(database, log),
        *_ledger_problems(database, log),
        *list_reward_problems(database, baseline),
        *_code_problems(database),
        *_request_problems(database, requests),
    ]


def _log_problems(log: list[Json], baseline: set[tuple[ObjectId, ObjectId]]) -> list[str]:
    """Each customer enters a segment only from outside, and leaves it only from inside."""
    problems, members = [], set(baseline)
    for row in log:
        membership = row["segmentId"], row["customerId"]
        if (membership in members) != (row["type"] == "LEFT"):
            problems.append(f"transition {row['_id']} is {row['type']}, out of order")
        members ^= {membership}
    return problems


def _delivery_problems(database: Database[Json], log: list[Json]) -> list[str]:
    """Each transition has exactly one delivery of each distribution of its kind."""
    expected = {
        (distribution["_id"], row["_id"])
        for distribution in database.distributions.find()
        for row in log
        if (row["segmentId"], row["type"]) == (distribution["segmentId"], distribution["on"])
    }
    rows = list(database.deliveries.find())
    found = Counter((row["distributionId"], row["transitionId"]) for row in rows)
    return [
        *_count_problems("deliveries", found, expected),
        *(f"delivery {row['_id']} is {row['status']}" for row in rows if not _is_delivered(row)),
    ]


def _is_delivered(row: Json) -> bool:
    return bool(row["status"] == "DELIVERED")


def _ledger_problems(database: Database[Json], log: list[Json]) -> list[str]:
    """Each ENTERED has exactly one entry of each rule, and the points are the sum of the
    entries."""
    expected = {
        (rule["_id"], row["_id"])
        for rule in database.earningRules.find()
        for row in log
        if row["type"] == "ENTERED" and row["segmentId"] == rule["segmentId"]
    }
    entries = list(database.ledger.find())
    found = Counter(
        (entry["ruleId"], entry["transitionId"]) for entry in entries if entry.get("ruleId")
    )
    problems = _count_problems("ledger entries", found, expected)
    sums: defaultdict[ObjectId, int] = defaultdict(int)
    for entry in entries:
        sums[entry["customerId"]] += entry["points"]
    for customer in database.customers.find():
        points = (customer.get("loyalty") or {}).get("points", 0)
        if points != sums[customer["_id"]]:
            problems.append(
                f"customer {customer['_id']} has {points} points, the entries"
                f" {sums[customer['_id']]}"
            )
    return problems


def _count_problems(what: str, found: Counter[Any], expected: set[Any]) -> list[str]:
    return [
        f"{found[key]} {what} of {key}, not {int(key in expected)}"
        for key in expected | found.keys()
        if found[key] != (key in expected)
    ]


def _code_problems(database: Database[Json]) -> list[str]:
    """Exactly the claimed codes were given, each to one delivery or reward."""
    given = Counter(
        row["code"]
        for collection in (database.deliveries, database.referralRewards)
        for row in collection.find({"code": {"$exists": True}})
    )
    claimed_counts = {row["_id"]: row["claimedCount"] for row in database.codeClaims.find()}
    claimed = {
        row["code"]
        for row in database.codes.find()
        if row["_id"]["n"] < claimed_counts[row["_id"]["pool"]]
    }
    problems = _count_problems("owners", given, claimed)
    coded = {row["_id"] for row in database.distributions.find() if row["codePoolId"]}
    for row in database.deliveries.find():
        if ("code" in row) != (row["distributionId"] in coded):
            problems.append(f"delivery {row['_id']} has the code {row.get('code')}")
    return problems


def _request_problems(database: Database[Json], requests: Iterable[ReceivedRequest]) -> list[str]:
    """The receiver has seen each delivery, always with the same body."""
    bodies: defaultdict[str, set[bytes]] = defaultdict(set)
    received_codes: dict[str, Any] = {}
    for request in requests:
        id_ = request.headers["webhook-id"]
        bodies[id_].add(request.body)
        received_codes[id_] = request.json["code"]
    codes = {f"dlv_{row['_id']}": row.get("code") for row in database.deliveries.find()}
    return [
        *(f"{id_} was not received" for id_ in codes.keys() - bodies.keys()),
        *(f"{id_} was received, but not made" for id_ in bodies.keys() - codes.keys()),
        *(f"{id_} has {len(texts)} bodies" for id_, texts in bodies.items() if len(texts) > 1),
        *(
            f"{id_} was sent with the code {code}, not {codes[id_]}"
            for id_, code in received_codes.items()
            if id_ in codes and code != codes[id_]
        ),
    ]
