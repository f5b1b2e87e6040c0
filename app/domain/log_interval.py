"""An interval of the transition log."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class LogInterval:
    """The transitions after the sequence `since`, up to and with `until`; None is no end.

    Whether a transition came before or after something was made, paused or deleted is a question
    of sequences, and never of clocks.
    """

    since: int
    until: int | None = None

    def contains(self, sequence: int) -> bool:
        return self.since < sequence and (self.until is None or sequence <= self.until)

    def ended(self, until: int) -> Self:
        """The same, up to and with the sequence."""
        return replace(self, until=until)
