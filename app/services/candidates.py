"""Who is to be fixed in a static segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.inputs import CustomerRef, read
from app.domain.segments import MOST_STATIC_MEMBERS
from app.errors import Code, Path, Problem, Refused, refuse
from app.services.rows import Wire


@dataclass(frozen=True)
class Candidates:
    """The customers that a definition names; a listed one must be there, a selected one may go."""

    refs: Sequence[CustomerRef]
    must_exist: bool
    path: Path

    @classmethod
    def listed(cls, wires: Sequence[Wire], path: Path) -> "Candidates":
        if not wires:
            message = "A static segment has at least one member; list some."
            raise refuse(Code.INVALID, message, *path)
        for key in ("id", "sourceId"):
            if len({wire.get(key) for wire in wires} - {None}) > MOST_STATIC_MEMBERS:
                raise _too_large(path)
        refs = [read(CustomerRef, wire, *path, str(i)) for i, wire in enumerate(wires)]
        return cls(refs, True, path)

    @classmethod
    def selected(cls, ids: Sequence[str], path: Path) -> "Candidates":
        if len(ids) > MOST_STATIC_MEMBERS:
            raise _too_large(path)
        return cls([CustomerRef.by_id(id_) for id_ in ids], False, path)

    def fix(self, found: Mapping[str, str]) -> list[str]:
        """The distinct ids of the members, of those candidates that were found; these are given
        as their sourceIds by id."""
        by_source_id = {source_id: id_ for id_, source_id in found.items()}
        members: dict[str, None] = {}
        problems = []
        for index, ref in enumerate(self.refs):
            id_ = ref.id if ref.source_id is None else by_source_id.get(ref.source_id)
            if id_ is not None and id_ in found:
                members[id_] = None
            elif self.must_exist:
                message = "There is no such customer; create it first, or leave it out."
                problems.append(Problem(Code.NOT_FOUND, message, (*self.path, str(index))))
        if problems:
            raise Refused(problems)
        if len(members) > MOST_STATIC_MEMBERS:
            raise _too_large(self.path)
        return list(members)


def _too_large(path: Path) -> Refused:
    message = f"A static segment has at most {MOST_STATIC_MEMBERS:,} members; use a filter."
    return refuse(Code.STATIC_SEGMENT_TOO_LARGE, message, *path)
