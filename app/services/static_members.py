"""The members of a new static segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.inputs import CustomerRef, InputObject, parse_input
from app.domain.segments import MAX_STATIC_MEMBERS
from app.errors import InputError, InputPath, Problem, UserErrorCode, input_error


@dataclass(frozen=True)
class StaticMembers:
    """The customers that become the members of a static segment.

    `must_exist` is True for customers that the client lists. Customers that a snapshot filter
    selected may be deleted before the segment is saved.
    """

    refs: Sequence[CustomerRef]
    must_exist: bool
    path: InputPath

    @classmethod
    def from_input(cls, input_objects: Sequence[InputObject], path: InputPath) -> "StaticMembers":
        """Parses a list of CustomerRef. Raises INVALID or STATIC_SEGMENT_TOO_LARGE."""
        if not input_objects:
            message = "A static segment has at least one member; list at least one."
            raise input_error(UserErrorCode.INVALID, message, *path)
        for key in ("id", "sourceId"):
            if (
                len({input_object.get(key) for input_object in input_objects} - {None})
                > MAX_STATIC_MEMBERS
            ):
                raise _too_large(path)
        refs = [
            parse_input(CustomerRef, input_object, *path, str(index))
            for index, input_object in enumerate(input_objects)
        ]
        return cls(refs, True, path)

    @classmethod
    def from_ids(cls, ids: Sequence[str], path: InputPath) -> "StaticMembers":
        """Takes the ids that a filter selected. Raises STATIC_SEGMENT_TOO_LARGE."""
        if len(ids) > MAX_STATIC_MEMBERS:
            raise _too_large(path)
        return cls([CustomerRef.by_id(id_) for id_ in ids], False, path)

    def resolve(self, source_ids_by_id: Mapping[str, str]) -> list[str]:
        """Returns the distinct ids of the members, given the existing customers as sourceIds by id.
        Raises NOT_FOUND for each listed customer that does not exist."""
        by_source_id = {source_id: id_ for id_, source_id in source_ids_by_id.items()}
        members: dict[str, None] = {}
        problems = []
        for index, ref in enumerate(self.refs):
            id_ = ref.id if ref.source_id is None else by_source_id.get(ref.source_id)
            if id_ is not None and id_ in source_ids_by_id:
                members[id_] = None
            elif self.must_exist:
                message = "There is no such customer; create it first, or leave it out."
                problems.append(Problem(UserErrorCode.NOT_FOUND, message, (*self.path, str(index))))
        if problems:
            raise InputError(problems)
        if len(members) > MAX_STATIC_MEMBERS:
            raise _too_large(self.path)
        return list(members)


def _too_large(path: InputPath) -> InputError:
    message = f"A static segment has at most {MAX_STATIC_MEMBERS:,} members; use a filter."
    return input_error(UserErrorCode.STATIC_SEGMENT_TOO_LARGE, message, *path)
