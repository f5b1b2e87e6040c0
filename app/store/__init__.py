"""The only room that knows MongoDB."""

from app.store.store import Store, Transaction

__all__ = ["Store", "Transaction"]
