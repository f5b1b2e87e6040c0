"""Empty databases for tests. One that a test leaves as the program has prepared it serves the next.

To create and drop the program's collections and indexes costs several times as much as most tests.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from pymongo import MongoClient
from pymongo.database import Database

from app.store.collections import COLLECTIONS

# Beyond this, to drop a database is faster than to delete its documents.
_MAX_DELETED_DOCUMENTS = 2_000

# MongoDB shows these beside a validator.
_DEFAULT_OPTIONS = {"validationLevel": "strict", "validationAction": "error"}

# The name of a spare database, by the URL of its mongod.
_spare_names: dict[str, str] = {}


@contextmanager
def empty_database(client: MongoClient[dict[str, Any]], url: str) -> Iterator[str]:
    """The name of a database without documents, which nobody else uses until the end."""
    name = _spare_names.pop(url, None)
    # A program that ran on after its test may have written to it.
    if name and sum(_count_documents(client[name]).values()):
        client.drop_database(name)
        name = None
    name = name or f"test_{uuid4().hex}"
    yield name
    end_open_transactions(client)
    database = client[name]
    if _is_as_prepared(database):
        counts = _count_documents(database)
        if sum(counts.values()) <= _MAX_DELETED_DOCUMENTS:
            for collection_name in filter(counts.get, counts):
                database[collection_name].delete_many({})
            _spare_names[url] = name
            return
    client.drop_database(name)


def _count_documents(database: Database[dict[str, Any]]) -> dict[str, int]:
    """Returns the number of documents by the name of the collection, with one command."""
    count: dict[str, Any] = {"$collStats": {"count": {}}}
    first, *others = (collection.name for collection in COLLECTIONS)
    counts = database[first].aggregate(
        [count, *({"$unionWith": {"coll": other, "pipeline": [count]}} for other in others)]
    )
    return {row["ns"].partition(".")[2]: row["count"] for row in counts}


def _is_as_prepared(database: Database[dict[str, Any]]) -> bool:
    """Whether the database has the program's collections, options and indexes, and no others."""
    catalog = database.client.admin.aggregate(
        [{"$listCatalog": {}}, {"$match": {"db": database.name}}]
    )
    return {row["name"]: _layout(row["md"]) for row in catalog} == {
        collection.name: (
            {
                **collection.options,
                **(_DEFAULT_OPTIONS if "validator" in collection.options else {}),
            },
            {"_id_", *(index.document["name"] for index in collection.indexes)},
        )
        for collection in COLLECTIONS
    }


def _layout(entry: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """The options and the names of the indexes of an entry of the catalog."""
    options = {key: value for key, value in entry["options"].items() if key != "uuid"}
    return options, {index["spec"]["name"] for index in entry["indexes"]}


def end_open_transactions(client: MongoClient[dict[str, Any]]) -> None:
    """Ends the transactions that killed processes have left open. They would delay the drop of
    their database by up to a minute."""
    operations = client.admin.aggregate(
        [
            {"$currentOp": {"idleSessions": True}},
            {"$match": {"transaction": {"$exists": True}, "active": False}},
        ]
    )
    if session_ids := [{"id": operation["lsid"]["id"]} for operation in operations]:
        client.admin.command("killSessions", session_ids)
