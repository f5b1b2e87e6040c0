"""What a process keeps for good, out of the garbage collector's sight."""

import gc

_OBJECTS_PER_FREEZE = 1_000


class LongLived:
    """Counts what a process keeps of one kind, and freezes the heap whenever there are 1,000 more
    than ever before. A full collection looks at all that is not frozen: with the rows and trees of
    5,000 segments it would hold the event loop for more than 0.1 s each time."""

    def __init__(self) -> None:
        self._frozen = 0

    def grown_to(self, number: int) -> None:
        """There are so many now."""
        if number >= self._frozen + _OBJECTS_PER_FREEZE:
            self._frozen = number
            gc.freeze()
