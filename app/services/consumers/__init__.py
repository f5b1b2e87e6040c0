"""Consumers of the transition log: what follows from transitions, each transition once.

A consumer is a function: `handle(transaction, transitions)` writes the effects of some transitions,
which follow each other in the log, in the transaction that also moves the consumer's checkpoint.
To add one, give it a name in `app/domain/consumers.py` and register its function in
`app/services/services.py`. All else is done here: see `runner.py`.
"""

from app.services.consumers.consumers import Consumers
from app.services.consumers.runner import ConsumerRunner, Handler

__all__ = ["ConsumerRunner", "Consumers", "Handler"]
