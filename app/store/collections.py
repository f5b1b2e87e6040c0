"""Every collection with its options and indexes, made when the store is opened."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import OperationFailure

MAX_CUSTOMER_BYTES = 3 * 1024 * 1024

Database = AsyncIOMotorDatabase[dict[str, Any]]

_NAMESPACE_EXISTS = 48

_OBJECT = {"bsonType": "object"}
_DATE = {"bsonType": "date"}
# What filters take for one value, so that an index answers for a range of it.
_NOT_AN_ARRAY = {"not": {"bsonType": "array"}}
_OBJECT_WITHOUT_ARRAYS = {**_OBJECT, "additionalProperties": _NOT_AN_ARRAY}
# What the program and its engines rest on; all else of a document is the shop's own business.
_CUSTOMER_VALIDATOR = {
    "$and": [
        {"$expr": {"$lte": [{"$bsonSize": "$$ROOT"}, MAX_CUSTOMER_BYTES]}},
        {
            "$jsonSchema": {
                "required": ["sourceId", "createdAt", "updatedAt", "version"],
                "properties": {
                    "_id": {"bsonType": "objectId"},
                    "sourceId": {"bsonType": "string"},
                    "name": {"bsonType": "string"},
                    "email": {"bsonType": "string"},
                    "phone": {"bsonType": "string"},
                    "description": {"bsonType": "string"},
                    "source": {"bsonType": "string"},
                    "birthdate": _DATE,
                    "createdAt": _DATE,
                    "updatedAt": _DATE,
                    "version": {"bsonType": ["int", "long"]},
                    "metadata": _OBJECT,
                    "address": _OBJECT_WITHOUT_ARRAYS,
                    "orders": _OBJECT_WITHOUT_ARRAYS,
                    "loyalty": _OBJECT_WITHOUT_ARRAYS,
                    "events": {**_OBJECT, "additionalProperties": _OBJECT_WITHOUT_ARRAYS},
                },
            }
        },
    ]
}


# One index serves all of them, one value or a range of it at a time. The summaries of orders and
# events are not among them: they change with every order, whose import would take half as long
# again.
_PROFILE_FIELDS = ("name", "email", "phone", "birthdate", "source", "createdAt", "address")


@dataclass(frozen=True)
class Collection:
    """One collection, as the program needs it."""

    name: str
    indexes: Sequence[IndexModel] = ()
    options: dict[str, Any] = field(default_factory=dict)


def _index(*keys: str, **options: Any) -> IndexModel:
    order = [
        (field_name.lstrip("-"), DESCENDING if field_name.startswith("-") else ASCENDING)
        for field_name in keys
    ]
    return IndexModel(order, **options)


# With what filters mostly ask of orders, so that they need not be read.
ORDERS_BY_CUSTOMER_INDEX = _index("customerId", "current", "-at", "-orderId", "status", "amount")

COLLECTIONS = (
    Collection(
        "customers",
        (
            _index("sourceId", unique=True),
            _index("searchKeys"),
            _index("metadata.$**"),
            _index("$**", wildcardProjection=dict.fromkeys(_PROFILE_FIELDS, 1)),
        ),
        {"changeStreamPreAndPostImages": {"enabled": True}, "validator": _CUSTOMER_VALIDATOR},
    ),
    Collection(
        "events",
        (
            _index("customerId", "name", "-at"),
            _index("customerId", "-at", "-_id"),
            _index("name", "at", "customerId"),
            # What has come since a version of the customer.
            _index("customerId", "sinceVersion"),
            _index(
                "idempotencyKey",
                unique=True,
                partialFilterExpression={"idempotencyKey": {"$exists": True}},
            ),
        ),
    ),
    Collection(
        "orders",
        (
            _index("sourceId", unique=True, partialFilterExpression={"current": True}),
            _index("orderId"),
            # What has come and ended since a version of the customer.
            _index("customerId", "sinceVersion"),
            _index(
                *("customerId", "untilVersion"),
                partialFilterExpression={"untilVersion": {"$exists": True}},
            ),
            ORDERS_BY_CUSTOMER_INDEX,
            _index(
                *("current", "status", "at", "customerId", "amount"),
                partialFilterExpression={"current": True},
            ),
            # Superseded revisions, for the sweeper.
            _index(
                *("untilVersion", "_id"),
                partialFilterExpression={"untilVersion": {"$exists": True}},
            ),
        ),
    ),
    Collection("eventNames"),
    Collection(
        "segments",
        (_index("name", unique=True), _index("revision")),
        # The engine will hear of definitions through the same stream as of customers.
        {"changeStreamPreAndPostImages": {"enabled": True}},
    ),
    # What is left of deleted segments, for the processes that still know them.
    Collection("deletedSegments", (_index("revision"),)),
    Collection("activeFilters", (_index("segmentId"),)),
    # A transition's key is its place in the log.
    Collection("transitions", (_index("segmentId", "_id"), _index("customerId", "-at", "-_id"))),
    # How far its consumers have come, what they failed to handle, and what is kept of that which
    # its retention has deleted.
    Collection("checkpoints"),
    Collection("quarantine", (_index("consumer", "retryAt"), _index("consumer", "firstFailedAt"))),
    Collection("retainedEntrances", (_index("segmentId", "customerId", unique=True),)),
    Collection("loyaltyPrograms"),
    Collection("earningRules", (_index("segmentId"), _index("untilSequence"), _index("revision"))),
    Collection(
        "ledger",
        (
            _index(
                *("transitionId", "ruleId"),
                unique=True,
                partialFilterExpression={"transitionId": {"$exists": True}},
            ),
            _index("customerId", "-at", "-_id"),
            _index("customerId", "ruleId"),
        ),
    ),
    Collection("loyaltyAccounts"),
    # How far the engine has come, and where it left everybody.
    Collection("partitions"),
    Collection("definitionChanges"),
    Collection("watermarks"),
    Collection("heartbeats"),
    Collection("workers"),
    Collection("engineErrors"),
    Collection("membershipStates", (_index("partition", "nextTimerAt"),)),
    # One document a deleted customer or segment until its rows are removed.
    Collection("customerTombstones"),
    Collection("segmentTombstones"),
    Collection("members", (_index("segmentId", "customerId", unique=True), _index("customerId"))),
    Collection(
        "segmentSizes", (_index("_id.segment", "at"), _index("expiresAt", expireAfterSeconds=0))
    ),
    Collection("sizeSchedule", (_index("dueAt"),)),
    Collection("leases"),
    Collection("transactionDeadlines"),
    Collection("metadataDefinitions", (_index("revision"),)),
    Collection("counters"),
)


async def prepare(database: Database) -> None:
    """Makes what is missing of the collections, their options and their indexes."""
    present = {row["name"]: row["options"] async for row in await database.list_collections()}
    for collection in COLLECTIONS:
        options = present.get(collection.name)
        if options is None:
            await _create(database, collection)
        # To be let in alone, as this asks, would have to wait for every open transaction, and
        # keep all others waiting: for a minute, where somebody was killed in one.
        if options is None or any(
            options.get(option) != value for option, value in collection.options.items()
        ):
            await _set_options(database, collection)
        if collection.indexes:
            await database[collection.name].create_indexes(list(collection.indexes))


async def _set_options(database: Database, collection: Collection) -> None:
    if collection.options:
        await database.command({"collMod": collection.name, **collection.options})


async def _create(database: Database, collection: Collection) -> None:
    try:
        await database.create_collection(collection.name, check_exists=False)
    except OperationFailure as error:
        # Another process of ours, which starts beside this one, was first.
        if error.code != _NAMESPACE_EXISTS:
            raise
