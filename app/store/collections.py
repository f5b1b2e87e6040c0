"""All collections with their options and indexes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.collation import Collation

from app.domain.api_keys import EXPIRED_KEY_RETENTION
from app.domain.idempotency import KEY_RETENTION
from app.domain.segment_lists import SegmentOrder
from app.filters.substring_index import NGRAMS_FIELD

MAX_CUSTOMER_BYTES = 3 * 1024 * 1024
EXPORT_FILES_COLLECTION = "exportFiles.files"
EXPORT_CHUNKS_COLLECTION = "exportFiles.chunks"

Database = AsyncIOMotorDatabase[dict[str, Any]]

DOCUMENT_VALIDATION_FAILURE = 121

_OBJECT = {"bsonType": "object"}
_DATE = {"bsonType": "date"}
# Filters treat these as single values, so that an index can serve a range.
_NOT_AN_ARRAY = {"not": {"bsonType": "array"}}
_OBJECT_WITHOUT_ARRAYS = {**_OBJECT, "additionalProperties": _NOT_AN_ARRAY}
# Checks only what the program depends on. The rest of a document is up to the shop.
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


# One wildcard index serves a value or a range of any of these. The summaries of orders and events
# are not included: they change with every order, and imports would take 50% longer.
_PROFILE_FIELDS = ("name", "email", "phone", "birthdate", "source", "createdAt", "address")


@dataclass(frozen=True)
class Collection:
    """The name, indexes and options of one collection. `retired_indexes` are the names of indexes
    that earlier versions of this program created."""

    name: str
    indexes: Sequence[IndexModel] = ()
    options: dict[str, Any] = field(default_factory=dict)
    retired_indexes: Sequence[str] = ()


def _index(*keys: str, **options: Any) -> IndexModel:
    order = [
        (field_name.lstrip("-"), DESCENDING if field_name.startswith("-") else ASCENDING)
        for field_name in keys
    ]
    return IndexModel(order, **options)


# Covers the fields that most filters need, so that MongoDB need not read the orders.
ORDERS_BY_CUSTOMER_INDEX = _index("customerId", "current", "-at", "-orderId", "status", "amount")

# With the id, they cover the search for ids, and a token's customers are in the order of ids.
SEARCH_WORDS_INDEX = {"searchWords": 1, "_id": 1}
SEARCH_TOKENS_INDEX = {"searchTokens": 1, "_id": 1}

# Descending, since an ascending one has the name of a retired index.
SUBSTRING_INDEX = _index(f"-{NGRAMS_FIELD}")

# A list of segments is sorted by this field and the id. Names that differ only in case are equal.
SEGMENT_ORDER_FIELDS = {
    SegmentOrder.CREATED: "createdAt",
    SegmentOrder.NAME: "name",
    SegmentOrder.UPDATED: "updatedAt",
    SegmentOrder.LAST_SIZE: "lastSize.memberCount",
}
SEGMENT_NAME_COLLATION = Collation("en", strength=2)

_HAS_ITEMS = {"current": True, "items": {"$exists": True}}
_IS_QUEUED = {"nextAttemptAt": {"$exists": True}}
_QUEUE_KEYS = (("queue", "nextAttemptAt"), ("nextAttemptAt",))

COLLECTIONS = (
    Collection(
        "customers",
        (
            _index("sourceId", unique=True),
            _index(*SEARCH_WORDS_INDEX),
            _index(*SEARCH_TOKENS_INDEX),
            SUBSTRING_INDEX,
            _index("metadata.$**"),
            _index("$**", wildcardProjection=dict.fromkeys(_PROFILE_FIELDS, 1)),
        ),
        {"changeStreamPreAndPostImages": {"enabled": True}, "validator": _CUSTOMER_VALIDATOR},
        retired_indexes=("searchKeys_1",),
    ),
    Collection(
        "events",
        (
            _index("customerId", "name", "-at"),
            _index("customerId", "-at", "-_id"),
            _index("name", "at", "customerId"),
            # Events added since a version of the customer.
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
            # Revisions added and superseded since a version of the customer.
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
            # Orders with an item of one product or category. Orders without items take no space.
            *(
                _index(key, "at", partialFilterExpression=_HAS_ITEMS)
                for key in ("items.sku", "items.category")
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
        (
            _index("name", unique=True),
            _index("revision"),
            *(
                _index(
                    *(order_field, "_id"),
                    **(
                        {"collation": SEGMENT_NAME_COLLATION, "name": "nameOrder"}
                        if order is SegmentOrder.NAME
                        else {}
                    ),
                )
                for order, order_field in SEGMENT_ORDER_FIELDS.items()
            ),
        ),
        {"changeStreamPreAndPostImages": {"enabled": True}},
    ),
    Collection("segmentChanges", (_index("segmentId", "-revision", "-number"),)),
    # Tombstones of deleted segments, for the definitions caches of other processes.
    Collection("deletedSegments", (_index("revision"),)),
    Collection("activeFilters", (_index("segmentId"),)),
    # The `_id` of a transition is its sequence.
    Collection(
        "transitions",
        (
            _index("segmentId", "_id"),
            # Most transitions of a segment may be of one type.
            _index("segmentId", "type", "_id"),
            _index("customerId", "-at", "-_id"),
        ),
    ),
    # For consumers of the log: their positions, and the transitions that they failed to handle.
    # Retention keeps the last entrance of each current member of the part that it deletes.
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
            _index(
                "idempotencyKey",
                unique=True,
                partialFilterExpression={"idempotencyKey": {"$exists": True}},
            ),
            _index(
                *("tierId", "customerId"),
                unique=True,
                partialFilterExpression={"tierId": {"$exists": True}},
            ),
        ),
    ),
    Collection("loyaltyAccounts"),
    Collection("validationRules", (_index("revision"),)),
    Collection("distributions", (_index("segmentId"), _index("revision"))),
    Collection(
        "deliveries",
        (
            _index("distributionId", "status", "-at", "-_id"),
            _index("customerId", "-at", "-_id"),
            _index("customerId", "distributionId"),
            # Unfinished deliveries, for the sender.
            *(_index(*keys, partialFilterExpression=_IS_QUEUED) for keys in _QUEUE_KEYS),
            _index("host", partialFilterExpression={"status": "RETRYING"}),
            # Failed deliveries that can be sent again, for their retention.
            _index(
                "at",
                partialFilterExpression={"status": "FAILED", "content": {"$exists": True}},
            ),
            _index(
                *("distributionId", "at"),
                partialFilterExpression={"waiting": {"$exists": True}},
            ),
            _index("code", "-at", partialFilterExpression={"code": {"$exists": True}}),
        ),
    ),
    # The `_id` of a code is its pool and its number in the pool.
    Collection("codePools"),
    Collection("codeClaims"),
    Collection("codes", (_index("_id.pool", "code", unique=True),)),
    Collection(
        "referralPrograms",
        (_index("tiers.segmentId"), _index("untilSequence"), _index("revision")),
    ),
    # The `_id` is the program and the referee, the program and the referrer, or the tier and the
    # referrer.
    Collection("referrals", (_index("_id.referee"),)),
    Collection("referralCounts", (_index("_id.referrer"),)),
    Collection(
        "referralRewards",
        (
            _index("_id.referrer"),
            _index("checkAt", partialFilterExpression={"checkAt": {"$exists": True}}),
            _index(
                *("waitingPoolId", "reachedAt"),
                partialFilterExpression={"waitingPoolId": {"$exists": True}},
            ),
            _index("code", "-givenAt", partialFilterExpression={"code": {"$exists": True}}),
        ),
    ),
    # Progress and state of the engine.
    Collection("partitions"),
    Collection("definitionChanges"),
    Collection("watermarks"),
    Collection("heartbeats"),
    Collection("workers"),
    Collection("engineErrors"),
    Collection("membershipStates", (_index("partition", "nextTimerAt"),)),
    # One document per deleted customer, segment or code pool, until the sweeper has removed its
    # rows.
    Collection("customerTombstones"),
    Collection("segmentTombstones"),
    Collection("codePoolTombstones"),
    Collection("members", (_index("segmentId", "customerId", unique=True), _index("customerId"))),
    Collection(
        "segmentSizes", (_index("_id.segment", "at"), _index("expiresAt", expireAfterSeconds=0))
    ),
    Collection("sizeSchedule", (_index("dueAt"),)),
    # A bucket of GridFS.
    Collection(EXPORT_FILES_COLLECTION, (_index("filename", "uploadDate"),)),
    Collection(EXPORT_CHUNKS_COLLECTION, (_index("files_id", "n", unique=True),)),
    Collection(
        "exports",
        (
            _index("segmentId", "-_id"),
            _index("status", "queuedAt"),
            _index("expiresAt"),
            _index("deleteAt"),
        ),
    ),
    # The `_id` of a key of the API is its prefix.
    Collection(
        "apiKeys",
        (_index("expiresAt", expireAfterSeconds=int(EXPIRED_KEY_RETENTION.total_seconds())),),
    ),
    # The `_id` is the mutation, the key, and the name of the caller's API key.
    Collection(
        "idempotencyKeys",
        (_index("createdAt", expireAfterSeconds=int(KEY_RETENTION.total_seconds())),),
    ),
    Collection("leases"),
    Collection("transactionDeadlines"),
    Collection("metadataDefinitions", (_index("revision"),)),
    Collection("counters"),
)
