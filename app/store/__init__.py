"""The only room that knows MongoDB."""

from app.store.store import Store, Transaction, at_most

__all__ = ["Store", "Transaction", "at_most"]
