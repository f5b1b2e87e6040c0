"""One finding of a health check, for `segments doctor` and the API."""

from dataclasses import dataclass

from app.domain.consumers import Failure

MAX_ERROR_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one subject; `remedy` says what the operator has to do, if anything."""

    subject: str
    state: str
    remedy: str = ""

    @property
    def is_ok(self) -> bool:
        return not self.remedy


def format_failure(failure: Failure) -> str:
    """Returns the end of a sentence: when the work failed, and why."""
    failed_at = failure.occurred_at.isoformat(timespec="seconds")
    return f"failed at {failed_at}: {failure.message[:MAX_ERROR_CHARACTERS]}"
