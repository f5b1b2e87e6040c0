"""Storage in MongoDB. No other package of the program uses MongoDB directly."""

from pymongo.errors import ConnectionFailure as Unreachable
from pymongo.errors import PyMongoError as DatabaseError

from app.store.failures import is_outage, message_of
from app.store.store import Store, Transaction
from app.store.thread_pools import ThreadPool, use_thread_pool

__all__ = [
    "DatabaseError",
    "Store",
    "ThreadPool",
    "Transaction",
    "Unreachable",
    "is_outage",
    "message_of",
    "use_thread_pool",
]
