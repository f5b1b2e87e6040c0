"""Every error raised on purpose.

SegmentsError                   one plain line says what to do
├── Refused                     the caller's input; carries every Problem
├── BadRequest                  a cursor or page size that can't be used
├── CursorExpired               a place in the log before which there is nothing left
├── SlowConsumer                a subscriber for whom too much was waiting
├── TookTooLong                 a question that the database was not done with in time
├── Unusable                    the surroundings: no MongoDB, a missing program, a locked folder
├── HistoryLost                 the engine can't go on where it was: the stream has a gap
├── Poisoned                    a customer that the engine can't settle
├── QuarantineFull              a consumer of the log that fails for too many customers
└── LeaseLost                   another worker has taken over what this one was at
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum


class UserErrorCode(Enum):
    """What is wrong with an input: the contract's UserErrorCode."""

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


InputPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that the caller can mend, and where in the input it stands."""

    code: UserErrorCode
    message: str
    path: InputPath = ()

    def with_path_prefix(self, *prefix: str) -> "Problem":
        return replace(self, path=(*prefix, *self.path))


class SegmentsError(Exception):
    """The root: its text is one plain line that says what to do."""


class InputError(SegmentsError):
    """The input makes no sense to the domain; nothing was changed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.message for problem in self.problems))

    def with_path_prefix(self, *prefix: str) -> "InputError":
        return InputError(problem.with_path_prefix(*prefix) for problem in self.problems)


def input_error(code: UserErrorCode, message: str, *path: str) -> InputError:
    """The common case: one problem."""
    return InputError([Problem(code, message, path)])


class BadRequest(SegmentsError):
    """A cursor or a page size that can't be used."""


class CursorExpired(SegmentsError):
    """A place in the log of transitions after which some have been deleted; `oldest` is the first
    from which all are there."""

    def __init__(self, oldest_sequence: int) -> None:
        self.oldest_sequence = oldest_sequence
        super().__init__(
            "The transitions after this cursor are no longer all there; go on from the oldest"
            " cursor that is left, in extensions.oldestCursor, and see who is a member now."
        )


class SlowConsumer(SegmentsError):
    """Too many transitions waited for a subscriber; `last` is the place up to which it had all."""

    def __init__(self, last_sequence: int) -> None:
        self.last_sequence = last_sequence
        super().__init__(
            "Too many transitions waited to be taken. Subscribe again with after:"
            " extensions.lastCursor; nothing is lost."
        )


class QueryTimeout(SegmentsError):
    """The database was not done with a question in time."""


class SetupError(SegmentsError):
    """The surroundings are not as needed: a database, a program, a folder."""


class HistoryLost(SegmentsError):
    """What happened to the customers can't be told any more from where the engine was."""


class QuarantineFull(SegmentsError):
    """A consumer of the log fails for so many customers that it does not go on without them."""

    def __init__(self, customers: int, last_error: str) -> None:
        super().__init__(
            f"Transitions of {customers} customers are in quarantine already; the last error is:"
            f" {last_error}"
        )


class LeaseLost(SegmentsError):
    """Another worker has taken over what this one was at."""


class PoisonChangeError(SegmentsError):
    """The engine can't settle a customer; the part of the customers that it is in must wait."""

    def __init__(self, partition: int, customer_id: str, error: Exception) -> None:
        self.partition = partition
        self.customer_id = customer_id
        super().__init__(f"{customer_id} can't be settled: {error!r}")
