"""Charges the time of threads that the cost of an operation does not cover."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.schema.http.operation_cost import SECONDS_PER_POINT
from app.thread_time import report_thread_time


class ThreadTimeMeter:
    """The time of threads for one operation: to read it, to run it and to encode its result.

    `charge` is called with points: once the cost is known, and then with what each further call of
    a thread takes beyond it.
    """

    def __init__(self, charge: Callable[[int], None]) -> None:
        self._charge = charge
        self._unpaid_seconds = 0.0
        self._is_cost_known = False
        self.extra_cost = 0
        """The points that were charged."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measures the threads that work for the present task until the context exits. All time is
        charged if the request is refused: an error comes before the cost is known."""
        with report_thread_time(self._add_seconds):
            try:
                yield
            except BaseException:
                if not self._is_cost_known:
                    self.pay(0)
                raise

    def pay(self, cost: int) -> None:
        """Covers time by the cost of the operation, which has been paid."""
        self._is_cost_known = True
        self._add_seconds(-cost * SECONDS_PER_POINT)

    def _add_seconds(self, seconds: float) -> None:
        self._unpaid_seconds += seconds
        if self._is_cost_known and self._unpaid_seconds > 0:
            points = round(self._unpaid_seconds / SECONDS_PER_POINT)
            self._unpaid_seconds = 0.0
            self.extra_cost += points
            self._charge(points)
