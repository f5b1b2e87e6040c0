"""All errors that the program raises on purpose.

SegmentsError                   the message is one line for users
├── InputError                  the client's input is invalid; lists every Problem
├── BadRequest                  a cursor or page size is invalid
├── CursorExpired               transitions after the cursor were deleted from the log
├── Unauthenticated             a request has no valid key
├── Forbidden                   the role of the caller's key does not suffice
├── SlowConsumer                a subscriber has too many pending transitions
├── QueryTimeout                MongoDB exceeded the time limit of a query
├── PageTooLarge                the rows of a page have too many bytes
├── ExportFileGone              the file of an export was deleted while it was read
├── SetupError                  no MongoDB, a missing program, a locked folder
├── HistoryLost                 the engine can't resume: the change stream has a gap
├── PoisonChangeError           the engine can't process a customer's changes
├── QuarantineFull              a consumer of the log fails for too many customers
├── DefinitionChangeConflict    another worker recorded a definition change differently
└── LeaseLost                   another worker has taken over the leases of this one
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum


class UserErrorCode(Enum):
    """Kinds of input errors: the API's UserErrorCode."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    TAKEN = "TAKEN"
    STATIC_SEGMENT_TOO_LARGE = "STATIC_SEGMENT_TOO_LARGE"
    SEGMENT_NOT_EDITABLE = "SEGMENT_NOT_EDITABLE"
    SEGMENT_IN_USE = "SEGMENT_IN_USE"
    UNKNOWN_ATTRIBUTE = "UNKNOWN_ATTRIBUTE"
    OPERATOR_NOT_APPLICABLE = "OPERATOR_NOT_APPLICABLE"
    INVALID_VALUE = "INVALID_VALUE"
    FILTER_EMPTY = "FILTER_EMPTY"
    FILTER_TOO_COMPLEX = "FILTER_TOO_COMPLEX"
    SEGMENT_CYCLE = "SEGMENT_CYCLE"
    METADATA_INVALID = "METADATA_INVALID"
    TOO_MANY = "TOO_MANY"
    OUT_OF_CODES = "OUT_OF_CODES"
    CONFLICT = "CONFLICT"


InputPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One error that the client can correct; `path` locates it in the input."""

    code: UserErrorCode
    message: str
    path: InputPath = ()

    def with_path_prefix(self, *prefix: str) -> "Problem":
        return replace(self, path=(*prefix, *self.path))


class SegmentsError(Exception):
    """Base class. The message is one line, which says what is wrong and what to do."""


class InputError(SegmentsError):
    """The input is invalid; nothing was changed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.message for problem in self.problems))

    def with_path_prefix(self, *prefix: str) -> "InputError":
        return InputError(problem.with_path_prefix(*prefix) for problem in self.problems)


def input_error(code: UserErrorCode, message: str, *path: str) -> InputError:
    """Returns an InputError with one problem."""
    return InputError([Problem(code, message, path)])


class BadRequest(SegmentsError):
    """A cursor or a page size is invalid."""


class CursorExpired(SegmentsError):
    """Some transitions after the cursor have been deleted from the log.

    The log is complete after `oldest_sequence`.
    """

    def __init__(self, oldest_sequence: int) -> None:
        self.oldest_sequence = oldest_sequence
        super().__init__(
            "Some transitions after this cursor have been deleted. Read the current members, and"
            " subscribe again with after: extensions.oldestCursor."
        )


class Unauthenticated(SegmentsError):
    """A request has no valid key."""


class Forbidden(SegmentsError):
    """The role of the caller's key does not suffice."""


class SlowConsumer(SegmentsError):
    """A subscriber has too many pending transitions; it received all up to `last_sequence`."""

    def __init__(self, last_sequence: int) -> None:
        self.last_sequence = last_sequence
        super().__init__(
            "The subscriber has too many pending transitions. Subscribe again with after:"
            " extensions.lastCursor; no transition is lost."
        )


class QueryTimeout(SegmentsError):
    """MongoDB exceeded the time limit of a query."""


class PageTooLarge(SegmentsError):
    """The rows of a page have too many bytes together."""


class ExportFileGone(SegmentsError):
    """The file of an export was deleted while it was read."""


class SetupError(SegmentsError):
    """A database, a program or a folder that the program needs is missing or unusable."""


class HistoryLost(SegmentsError):
    """MongoDB no longer has the changes, or their images, after the engine's position."""


class QuarantineFull(SegmentsError):
    """Transitions of too many customers are in quarantine, so that the consumer stops."""

    def __init__(self, customers: int, last_error: str) -> None:
        super().__init__(
            f"Transitions of {customers} customers are in quarantine already; the last error is:"
            f" {last_error}"
        )


class DefinitionChangeConflict(SegmentsError):
    """Another worker has recorded the same definition change, with another instant."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"Another worker has recorded the definition change {revision}.")


class LeaseLost(SegmentsError):
    """Another worker has taken over the leases of this one."""


class PoisonChangeError(SegmentsError):
    """The engine can't process a customer's changes; the customer's partition is blocked."""

    def __init__(self, partition: int, customer_id: str, error: Exception) -> None:
        self.partition = partition
        self.customer_id = customer_id
        super().__init__(f"the changes of customer {customer_id} can't be processed: {error!r}")
