"""What a process keeps for good, out of the garbage collector's sight."""

import gc

_OBJECTS_PER_FREEZE = 1_000


class HeapFreezer:
    """Counts what a process keeps of one kind, and freezes the heap whenever there are 1,000 more
    than ever before. A full collection looks at all that is not frozen: with the rows and trees of
    5,000 segments it would hold the event loop for more than 0.1 s each time."""

    def __init__(self) -> None:
        self._frozen_object_count = 0

    def freeze_if_grown(self, object_count: int) -> None:
        """There are so many now."""
        if object_count >= self._frozen_object_count + _OBJECTS_PER_FREEZE:
            self._frozen_object_count = object_count
            gc.freeze()
