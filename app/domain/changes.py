"""Changes that the engine reads from the change stream."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.errors import PoisonChangeError, SegmentsError

Document = Mapping[str, Any]
FieldPath = tuple[str, ...]
"""The keys that lead to a field of a document, outermost first."""


@dataclass(frozen=True, slots=True)
class CustomerChange:
    """One customer before and after a commit. `before` is None if the commit created the customer,
    `after` is None if it deleted the customer."""

    customer_id: str
    partition: int
    before: Document | None
    after: Document | None


@dataclass(frozen=True, slots=True)
class Commit:
    """All changes of one cluster time, and so of one position in the change stream: the changes of
    one transaction, of one bulk insert, or of several shards at once.

    `committed_at` is the latest wall time of the changes. `revision` is the definitions revision
    that the commit created, if it changed definitions. `watermark` is the number of the watermark
    that this worker wrote in the commit (DBLog: a row written only to be seen in the stream).
    """

    position: str
    committed_at: datetime
    changes: Sequence[CustomerChange] = ()
    revision: int | None = None
    watermark: int | None = None


@contextmanager
def attribute_errors_to(partition: int, customer_id: str) -> Iterator[None]:
    """Raises PoisonChangeError with the customer for any unexpected exception inside the block."""
    try:
        yield
    except SegmentsError:
        raise
    except Exception as error:
        raise PoisonChangeError(partition, customer_id, error) from error
