"""Excludes long-lived objects from garbage collection."""

import gc

_OBJECTS_PER_FREEZE = 1_000


class HeapFreezer:
    """Calls `gc.freeze` whenever a long-lived collection has grown by another 1,000 objects.

    A full garbage collection visits every object that is not frozen. With the definitions of 5,000
    segments it would block the event loop for more than 0.1 s each time.
    """

    def __init__(self) -> None:
        self._frozen_object_count = 0

    def freeze_if_grown(self, object_count: int) -> None:
        """Takes the current size of the collection."""
        if object_count >= self._frozen_object_count + _OBJECTS_PER_FREEZE:
            self._frozen_object_count = object_count
            gc.freeze()
