"""Consumers of the transition log. Each transition takes effect exactly once in each consumer.

A consumer is a function `handle(transaction, transitions)`. It receives transitions of the log in
their order, and writes their effects in the transaction that also advances the consumer's
checkpoint. A second function may select the segments whose transitions have an effect; the others
are passed over. To add a consumer, name it in `app/domain/consumers.py` and register its functions
in `app/services/services.py`. Leases, retries and quarantine are handled here: see `runner.py`.
"""

from app.services.consumers.consumers import Consumers, keep_running
from app.services.consumers.runner import ConsumerRunner, Handler

__all__ = ["ConsumerRunner", "Consumers", "Handler", "keep_running"]
