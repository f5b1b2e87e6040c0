"""What an engine has done since it began, how fast it goes, and what went wrong last."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from app.domain.engine import Report

# Rates are those of about so long.
_SECONDS = 10.0
_LONGEST_ERROR = 500


class _Done(NamedTuple):
    """How much was done by an instant."""

    at: float
    changes: int
    transitions: int


class Pulse:
    """Told of all that is committed and of all that fails. `clock` says seconds, from wherever."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._changes = self._transitions = self._errors = 0
        self._reported = deque([_Done(self._began, 0, 0)])
        self._error, self._failed_at = "", self._began

    def beat(self, changes: int, transitions: int) -> None:
        self._changes += changes
        self._transitions += transitions

    def fail(self, error: str) -> None:
        self._errors += 1
        self._error, self._failed_at = " ".join(error.split())[:_LONGEST_ERROR], self._clock()

    def report(self) -> Report:
        """How it is now; to be asked for now and then, as rates are those since an earlier one."""
        now = self._clock()
        done = _Done(now, self._changes, self._transitions)
        self._reported.append(done)
        while self._reported[1].at <= now - _SECONDS:
            self._reported.popleft()
        before = self._reported[0]
        seconds = now - before.at
        return Report(
            seconds=now - self._began,
            changes=done.changes,
            transitions=done.transitions,
            changes_per_second=(done.changes - before.changes) / seconds if seconds else 0.0,
            transitions_per_second=(
                (done.transitions - before.transitions) / seconds if seconds else 0.0
            ),
            errors=self._errors,
            error=self._error,
            error_seconds=now - self._failed_at,
        )
