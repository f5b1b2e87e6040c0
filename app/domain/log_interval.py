"""An interval of the transition log."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class LogInterval:
    """The transitions after `after_sequence`, up to and including `through_sequence`. None means
    that the interval has no end yet.

    Sequences, and never clocks, decide whether a transition came before or after something was
    created, paused or deleted.
    """

    after_sequence: int
    through_sequence: int | None = None

    def contains(self, sequence: int) -> bool:
        return self.after_sequence < sequence and (
            self.through_sequence is None or sequence <= self.through_sequence
        )

    def is_passed(self, handled_sequence: int) -> bool:
        """Whether no transition is left to handle: the interval has ended, and all of its
        transitions, if any, are at most at the sequence."""
        return self.through_sequence is not None and self.through_sequence <= max(
            handled_sequence, self.after_sequence
        )

    def with_end(self, through_sequence: int) -> Self:
        """Returns the interval up to and including the sequence."""
        return replace(self, through_sequence=through_sequence)
