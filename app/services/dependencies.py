"""Which segments' filters name a segment or a key of metadata."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from app.domain.segments import Segment
from app.filters.parse import referenced_metadata_keys, referenced_segment_ids


class Names(NamedTuple):
    """What the filter of one segment itself names."""

    segments: frozenset[str]
    keys: frozenset[str]


_NOTHING = Names(frozenset(), frozenset())


def names_in(segment: Segment) -> Names:
    """What the segment's own filter names."""
    wire = segment.filter or {}
    return Names(frozenset(referenced_segment_ids(wire)), frozenset(referenced_metadata_keys(wire)))


class Dependencies:
    """What each segment's filter names, and an index of that by name. It does not change."""

    def __init__(
        self,
        names: Mapping[str, Names] | None = None,
        users: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self._names = names or {}
        # Few segments are named by others, but a key may be named by all of them.
        self._users = users or {}

    def changed(self, names_by_segment: Mapping[str, Names | None]) -> "Dependencies":
        """The same where these segments' filters name other things now; None: it is gone."""
        names = dict(self._names)
        changed: dict[str, set[str]] = {}
        for id_, new in names_by_segment.items():
            old = names.pop(id_, _NOTHING)
            if new is not None:
                names[id_] = new
            for name in old.segments ^ (new or _NOTHING).segments:
                if name not in changed:
                    changed[name] = set(self._users.get(name, ()))
                changed[name] ^= {id_}
        if not changed:
            return Dependencies(names, self._users)
        users = {**self._users, **{name: frozenset(ids) for name, ids in changed.items()}}
        return Dependencies(names, {name: ids for name, ids in users.items() if ids})

    def on_segment(self, segment_id: str) -> list[str]:
        """The ids of the segments whose filters name the segment."""
        return sorted(self._users.get(segment_id, ()))

    def on_key(self, key: str) -> list[str]:
        """The ids of the segments whose filters name the key of metadata."""
        return sorted(self._users_of_keys.get(key, ()))

    @cached_property
    def _users_of_keys(self) -> Mapping[str, list[str]]:
        users: defaultdict[str, list[str]] = defaultdict(list)
        for id_, names in self._names.items():
            for key in names.keys:
                users[key].append(id_)
        return users

    def above(self, segment_ids: Iterable[str]) -> set[str]:
        """The ids of the segments that have one of these inside them, at any depth."""
        found: set[str] = set()
        waiting = list(segment_ids)
        while waiting:
            for user in self._users.get(waiting.pop(), ()):
                if user not in found:
                    found.add(user)
                    waiting.append(user)
        return found
