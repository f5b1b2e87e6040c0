"""A database in which each read has a time limit in MongoDB, unless it sets one of its own.

The driver's `timeoutMS` would be one place, too, but it does not fit. It replaces each `maxTimeMS`
that a command has, and the limits of queries and of the change stream are shorter ones. It closes
the connection of a call that takes too long. It also replaces the time for which the driver waits
for a primary.
"""

from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo.collection import Collection

MAX_READ_MILLISECONDS = 60_000
"""The default limit. Operations of the API end their reads themselves: this one holds if the
process, or its network, is gone."""

_FIND_LIMIT = {"max_time_ms": MAX_READ_MILLISECONDS}
_COMMAND_LIMIT = {"maxTimeMS": MAX_READ_MILLISECONDS}


class LimitedDatabase(AsyncIOMotorDatabase[dict[str, Any]]):
    """A database whose collections are LimitedCollections. Takes what `get_database` takes."""

    def __init__(self, client: AsyncIOMotorClient[Any], name: str, **options: Any) -> None:
        super().__init__(client, name, _delegate=client.delegate.get_database(name, **options))

    def __getitem__(self, name: str) -> Any:
        return self.wrap(self.delegate[name])

    def aggregate(self, *args: Any, **options: Any) -> Any:
        return super().aggregate(*args, **{**_COMMAND_LIMIT, **options})

    def wrap(self, driver_object: Any) -> Any:
        """Called by Motor for what PyMongo returns, such as the collection of `get_collection`."""
        if isinstance(driver_object, Collection):
            database: Any = self
            return LimitedCollection(database, driver_object.name, _delegate=driver_object)
        return super().wrap(driver_object)


class LimitedCollection(AsyncIOMotorCollection[dict[str, Any]]):
    """A collection whose reads take at most MAX_READ_MILLISECONDS in MongoDB by default."""

    def find(self, *args: Any, **options: Any) -> Any:
        return super().find(*args, **{**_FIND_LIMIT, **options})

    def find_one(self, *args: Any, **options: Any) -> Any:
        return super().find_one(*args, **{**_FIND_LIMIT, **options})

    def aggregate(self, *args: Any, **options: Any) -> Any:
        return super().aggregate(*args, **{**_COMMAND_LIMIT, **options})

    def count_documents(self, *args: Any, **options: Any) -> Any:
        return super().count_documents(*args, **{**_COMMAND_LIMIT, **options})

    def estimated_document_count(self, *args: Any, **options: Any) -> Any:
        return super().estimated_document_count(*args, **{**_COMMAND_LIMIT, **options})

    def distinct(self, *args: Any, **options: Any) -> Any:
        return super().distinct(*args, **{**_COMMAND_LIMIT, **options})


def limit_command(command: dict[str, Any]) -> dict[str, Any]:
    """Returns a command for `Database.command` with the default limit, unless it has a limit."""
    return command if "maxTimeMS" in command else {**command, **_COMMAND_LIMIT}
