"""Classifies database errors: outages, and errors caused by the data."""

from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)

from app.errors import LeaseLost, QueryTimeout, SegmentsError, SetupError
from app.store.reads import is_starting_member_error

_RETRY_LABELS = (
    "TransientTransactionError",
    "UnknownTransactionCommitResult",
    "RetryableWriteError",
)
# MongoDB is unreachable, has no primary, is out of disk space or time, or rejects the user.
_OUTAGE_CODES = frozenset(
    {6, 7, 13, 18, 24, 50, 89, 91, 112, 189, 225, 251, 262, 290, 391, 9001, 10107}
    | {11600, 11601, 11602, 13435, 13436, 14031}
)


def is_outage(error: BaseException) -> bool:
    """Whether the error is an outage: any work fails now, whatever its data, and may succeed
    later."""
    if isinstance(error, ConnectionError | TimeoutError | QueryTimeout | LeaseLost | SetupError):
        return True
    if not isinstance(error, PyMongoError):
        return False
    if is_starting_member_error(error):
        return True
    if isinstance(error, ConnectionFailure | ExecutionTimeout | WTimeoutError):
        return True
    if any(map(error.has_error_label, _RETRY_LABELS)):
        return True
    return isinstance(error, OperationFailure) and error.code in _OUTAGE_CODES


def message_of(error: BaseException) -> str:
    """The error as one line. For a bulk write, leaves out the data that it was to write."""
    if isinstance(error, SegmentsError):
        return str(error)
    if isinstance(error, BulkWriteError) and (errors := (error.details or {}).get("writeErrors")):
        return f"{errors[0]['errmsg']} (MongoDB's code {errors[0]['code']})"
    return repr(error)
