"""Which segments' filters name a segment or a key of metadata."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from app.domain.segments import Segment
from app.filters.parse import metadata_named, segments_named

_Names = Callable[[Mapping[str, Any]], Iterator[str]]


class Dependencies:
    """An index from names to the segments whose own filters contain them.

    New definitions change a copy of the index of those before, which is not changed any more. A
    copy costs little: it shares the sets that stay as they are.
    """

    def __init__(self) -> None:
        self._of_segments = _Index(segments_named)
        self._of_keys = _Index(metadata_named)

    def copy(self) -> "Dependencies":
        copied = Dependencies()
        copied._of_segments = self._of_segments.copy()
        copied._of_keys = self._of_keys.copy()
        return copied

    def add(self, segment: Segment) -> None:
        self._of_segments.add(segment)
        self._of_keys.add(segment)

    def remove(self, segment: Segment) -> None:
        self._of_segments.remove(segment)
        self._of_keys.remove(segment)

    def on_segment(self, segment_id: str) -> list[str]:
        """The ids of the segments whose filters name the segment."""
        return self._of_segments.users(segment_id)

    def on_key(self, key: str) -> list[str]:
        """The ids of the segments whose filters name the key of metadata."""
        return self._of_keys.users(key)

    def above(self, segment_ids: Iterable[str]) -> set[str]:
        """The ids of the segments that have one of these inside them, at any depth."""
        found: set[str] = set()
        waiting = list(segment_ids)
        while waiting:
            for user in self.on_segment(waiting.pop()):
                if user not in found:
                    found.add(user)
                    waiting.append(user)
        return found


class _Index:
    """The ids of segments by what their filters name."""

    def __init__(self, names: _Names) -> None:
        self._names = names
        self._users: dict[str, set[str]] = {}
        # The names whose sets no other copy shares.
        self._own: set[str] = set()

    def copy(self) -> "_Index":
        copied = _Index(self._names)
        copied._users = dict(self._users)
        return copied

    def users(self, name: str) -> list[str]:
        return sorted(self._users.get(name, ()))

    def add(self, segment: Segment) -> None:
        for name in self._named(segment):
            self._editable(name).add(segment.id)

    def remove(self, segment: Segment) -> None:
        for name in self._named(segment):
            users = self._editable(name)
            users.discard(segment.id)
            if not users:
                del self._users[name]
                self._own.discard(name)

    def _named(self, segment: Segment) -> set[str]:
        return set(self._names(segment.filter or {}))

    def _editable(self, name: str) -> set[str]:
        if name not in self._own:
            self._users[name] = set(self._users.get(name, ()))
            self._own.add(name)
        return self._users[name]
