"""The only room that knows MongoDB."""

from pymongo.errors import PyMongoError as DatabaseError

from app.store.failures import is_outage, message_of
from app.store.store import Store, Transaction

__all__ = ["DatabaseError", "Store", "Transaction", "is_outage", "message_of"]
