"""The only room that knows MongoDB."""

from pymongo.errors import ConnectionFailure as Unreachable
from pymongo.errors import PyMongoError as DatabaseError

from app.store.failures import is_outage, message_of
from app.store.lanes import Lane, lane
from app.store.store import Store, Transaction

__all__ = [
    "DatabaseError",
    "Lane",
    "Store",
    "Transaction",
    "Unreachable",
    "is_outage",
    "lane",
    "message_of",
]
