"""What must hold for a filter to hold, part by part."""

from collections.abc import Iterator

from app.filters.calendar import Now
from app.filters.evaluate import Facts, holds
from app.filters.tree import AllOf, AnyOf, Filter, Member, Nested, NoneOf
from app.filters.walk import measures


def conjuncts(filter_: Filter, *, inlined: bool = True) -> list[Filter]:
    """The parts, each of which must hold; those of the segments inside it stand for themselves,
    where these are inlined."""
    return list(_Parts(inlined).of(filter_, wanted=True))


class _Parts:
    """The same segment, wanted in the same way, is taken apart once."""

    def __init__(self, inlined: bool) -> None:
        self._inlined = inlined
        self._seen: set[tuple[Nested, bool]] = set()

    def of(self, filter_: Filter, *, wanted: bool) -> Iterator[Filter]:
        """The parts of the filter, or of its negation."""
        match filter_:
            case AllOf(branches) if wanted or len(branches) == 1:
                yield from self._each(branches, wanted)
            case AnyOf(branches) if not wanted or len(branches) == 1:
                yield from self._each(branches, wanted)
            case NoneOf(branches) if wanted or len(branches) == 1:
                yield from self._each(branches, not wanted)
            case Member(segment, member) if self._inlined:
                if (segment, member is wanted) not in self._seen:
                    self._seen.add((segment, member is wanted))
                    yield from self.of(segment.tree, wanted=member is wanted)
            case _:
                yield filter_ if wanted else NoneOf((filter_,))

    def _each(self, branches: tuple[Filter, ...], wanted: bool) -> Iterator[Filter]:
        for branch in branches:
            yield from self.of(branch, wanted=wanted)


def holds_of_nothing(filter_: Filter, now: Now) -> bool:
    """Whether it holds where there are no rows, and nothing that is asked of the customer alone."""
    if not measures(filter_):
        return False
    match filter_:
        case AllOf(branches):
            return all(holds_of_nothing(branch, now) for branch in branches)
        case AnyOf(branches):
            return any(holds_of_nothing(branch, now) for branch in branches)
        case NoneOf(branches):
            return not any(holds_of_nothing(branch, now) for branch in branches)
        case Member(segment, member):
            return holds_of_nothing(segment.tree, now) is member
        case _:
            return holds(filter_, Facts({}), now)
