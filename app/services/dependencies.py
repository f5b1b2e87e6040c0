"""An index of uses: who uses a segment, a metadata key or a code pool."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property

from app.domain.uses import Use, UseKind

# Errors and `usedBy` list the segments first, then the other users.
_KIND_ORDER = {
    kind: order
    for order, kind in enumerate(
        [UseKind.SEGMENT, *(kind for kind in UseKind if kind is not UseKind.SEGMENT)]
    )
}


class Dependencies:
    """The uses of all definitions, indexed by segment, metadata key and code pool. Immutable."""

    def __init__(
        self,
        uses_by_user: Mapping[str, Sequence[Use]] | None = None,
        user_ids_by_segment: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self._uses_by_user = uses_by_user or {}
        # Most segments have no user, so each copy of this index is small. A key may be used by all
        # segments: the index of keys is built when it is first needed.
        self._user_ids_by_segment = user_ids_by_segment or {}

    def with_changes(self, uses_by_user: Mapping[str, Sequence[Use]]) -> "Dependencies":
        """Returns a copy in which the users have these uses; an empty sequence removes a user."""
        if not uses_by_user:
            return self
        all_uses = dict(self._uses_by_user)
        changed: dict[str, set[str]] = {}
        for user_id, uses in uses_by_user.items():
            previous_uses = all_uses.pop(user_id, ())
            if uses:
                all_uses[user_id] = uses
            for segment_id in _segment_ids(previous_uses) ^ _segment_ids(uses):
                if segment_id not in changed:
                    changed[segment_id] = set(self._user_ids_by_segment.get(segment_id, ()))
                changed[segment_id] ^= {user_id}
        if not changed:
            return Dependencies(all_uses, self._user_ids_by_segment)
        index = dict(self._user_ids_by_segment)
        for segment_id, user_ids in changed.items():
            if user_ids:
                index[segment_id] = frozenset(user_ids)
            else:
                index.pop(segment_id, None)
        return Dependencies(all_uses, index)

    @property
    def used_segment_ids(self) -> Collection[str]:
        """The ids of the segments that have a use."""
        return self._user_ids_by_segment.keys()

    def uses_of_segment(self, segment_id: str) -> list[Use]:
        """The uses of the segment: segments first, then the other kinds, each by id."""
        return _sorted_uses(
            use
            for user_id in self._user_ids_by_segment.get(segment_id, ())
            for use in self._uses_by_user[user_id]
            if use.segment_id == segment_id
        )

    def uses_of_key(self, key: str) -> list[Use]:
        """The uses of the metadata key: segments first, then the other kinds, each by id."""
        return self._uses_by_key.get(key, [])

    @cached_property
    def _uses_by_key(self) -> Mapping[str, list[Use]]:
        uses_by_key: defaultdict[str, list[Use]] = defaultdict(list)
        for uses in self._uses_by_user.values():
            for use in uses:
                for key in use.keys:
                    uses_by_key[key].append(use)
        return {key: _sorted_uses(uses) for key, uses in uses_by_key.items()}

    def uses_of_pool(self, pool_id: str) -> list[Use]:
        """The uses of the code pool, by kind and id."""
        return self._uses_by_pool.get(pool_id, [])

    @cached_property
    def _uses_by_pool(self) -> Mapping[str, list[Use]]:
        uses_by_pool: defaultdict[str, list[Use]] = defaultdict(list)
        for uses in self._uses_by_user.values():
            for use in uses:
                if use.pool_id is not None:
                    uses_by_pool[use.pool_id].append(use)
        return {pool_id: _sorted_uses(uses) for pool_id, uses in uses_by_pool.items()}

    def segments_containing(self, segment_ids: Iterable[str]) -> set[str]:
        """The ids of the segments whose filters contain one of these segments, at any depth."""
        return self._users_of_kind(UseKind.SEGMENT, self.users_containing(segment_ids))

    def validation_rules_containing(self, segment_ids: Iterable[str]) -> set[str]:
        """The ids of the validation rules whose filters contain one of these segments, at any
        depth."""
        return self._users_of_kind(UseKind.VALIDATION_RULE, self.users_containing(segment_ids))

    def _users_of_kind(self, kind: UseKind, user_ids: Iterable[str]) -> set[str]:
        return {id_ for id_ in user_ids if self._uses_by_user[id_][0].kind is kind}

    def users_containing(self, segment_ids: Iterable[str]) -> set[str]:
        """The ids of everything that uses one of these segments, directly or through a segment
        that contains it."""
        found_ids: set[str] = set()
        pending_ids = list(segment_ids)
        while pending_ids:
            for user_id in self._user_ids_by_segment.get(pending_ids.pop(), ()):
                if user_id not in found_ids:
                    found_ids.add(user_id)
                    pending_ids.append(user_id)
        return found_ids


def _segment_ids(uses: Iterable[Use]) -> set[str]:
    return {use.segment_id for use in uses if use.segment_id is not None}


def _sorted_uses(uses: Iterable[Use]) -> list[Use]:
    return sorted(uses, key=lambda use: (_KIND_ORDER[use.kind], use.id))
