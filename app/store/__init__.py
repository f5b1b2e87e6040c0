"""The only room that knows MongoDB."""

from pymongo.errors import ConnectionFailure as Unreachable
from pymongo.errors import PyMongoError as DatabaseError

from app.store.lanes import Lane, lane
from app.store.store import Store, Transaction

__all__ = ["DatabaseError", "Lane", "Store", "Transaction", "Unreachable", "lane"]
