"""Recorded failures: the error that stops some work, in the row that the work belongs to."""

from collections.abc import Mapping
from typing import Any

from app.domain.consumers import Failure

_MAX_ERROR_LENGTH = 1_000


def failure_fields(error: str) -> dict[str, Any]:
    """The fields of a failure that has just occurred, for `$set` in an update pipeline."""
    return {"message": {"$literal": error[:_MAX_ERROR_LENGTH]}, "at": "$$NOW"}


def as_failure(document: Mapping[str, Any]) -> Failure:
    """Returns the failure that was recorded with `failure_fields`."""
    return Failure(document["message"], document["at"])
