"""An interval of the transition log."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class LogInterval:
    """The transitions after the sequence `since`, up to and with `until`; None is no end.

    Whether a transition came before or after something was made, paused or deleted is a question
    of sequences, and never of clocks.
    """

    after_sequence: int
    through_sequence: int | None = None

    def contains(self, sequence: int) -> bool:
        return self.after_sequence < sequence and (
            self.through_sequence is None or sequence <= self.through_sequence
        )

    def with_end(self, through_sequence: int) -> Self:
        """The same, up to and with the sequence."""
        return replace(self, through_sequence=through_sequence)
