"""Storage in MongoDB. No other package of the program uses MongoDB directly.

`Store` (in `store.py`) has one attribute per collection or kind of query. The modules by purpose:

- customers and their rows: `customers`, `events`, `orders`, `members`, `customer_facts`,
  `history_query`, `customer_history`, `tombstones`
- queries about all customers: `matching_customers`, `member_windows`, `value_samples`,
  `query_budget`
- definitions: `segments`, `active_filters`, `filter_references`, `metadata_definitions`, `loyalty`,
  `validation_rules`, `definitions`
- code pools: `code_pools`
- the engine: `change_stream`, `watermarks`, `partitions`, `definition_changes`,
  `membership_states`, `workers`, `clock`, `oplog`
- the transition log and its consumers: `transitions`, `retention`, `checkpoints`, `quarantine`,
  `ledger`
- segment sizes: `segment_sizes`, `size_schedule`
- exports: `exports`, `export_files`
- keys of the API: `api_keys`
- who does what: `heartbeats`, `leases`, `sessions`
- access to MongoDB: `collections`, `connection`, `limited_database`, `driver_calls`,
  `operation_killer`, `reads`, `snapshots`, `transactions`, `contended_keys`, `open_transactions`,
  `thread_pools`, `failures`, `ids`, `timeline`

Reads and writes use majority concern, and transactions use snapshot isolation. Only heartbeats,
and lists of open transactions, do not wait for a majority. Transactions that are valid only without
each other increment the same revision in `counters`, so that they conflict
(`Store.increment_revision`). Leases and heartbeats expire by MongoDB's clock.
"""

from pymongo.errors import ConnectionFailure as Unreachable
from pymongo.errors import ExecutionTimeout as ReadTimeout
from pymongo.errors import PyMongoError as DatabaseError

from app.store.failures import is_outage, message_of
from app.store.store import Store, Transaction
from app.store.thread_pools import ThreadPool, use_thread_pool

__all__ = [
    "DatabaseError",
    "ReadTimeout",
    "Store",
    "ThreadPool",
    "Transaction",
    "Unreachable",
    "is_outage",
    "message_of",
    "use_thread_pool",
]
