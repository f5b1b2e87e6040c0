"""Choices between rules, all of one shape at once: which of the rules have none, and whose branches
are worth a look."""

from collections.abc import Sequence

from app.filters.matcher.vectors import vector


class Choices:
    """Rules, in the order of their places, each of which waits for one of its branches.

    Every rule has as many branches, a power of two; places of those that there are not stay empty.
    The first branches of all rules lie side by side, in the order of the rules, then all the second
    ones, and so on.
    """

    def __init__(self, owners: Sequence[int], branches: int, start: int) -> None:
        self._owners = vector(owners)
        self._many = len(owners)
        self._start = start
        self._branches = ((1 << branches * self._many) - 1) << start
        self._all_branches = branches * self._many
        self._spread = _steps(owners)

    def place(self, owner: int, branch: int) -> int:
        """Where the so-manieth branch of the so-manieth rule lies."""
        return self._start + branch * self._many + owner

    def without(self, holding: int) -> int:
        """The rules of whose branches none holds."""
        bits = (holding & self._branches) >> self._start
        width = self._all_branches
        while width > self._many:
            width //= 2
            bits = bits >> width | bits & (1 << width) - 1
        for distance, moving in self._spread:
            moved = bits & moving
            bits ^= moved ^ moved << distance
        return self._owners ^ bits

    def lost(self, left: int) -> int:
        """The branches of the rules that are not left."""
        bits = self._owners & ~left
        for distance, moving in reversed(self._spread):
            moved = bits & moving << distance
            bits ^= moved ^ moved >> distance
        width = self._many
        while width < self._all_branches:
            bits |= bits << width
            width *= 2
        return bits << self._start


def _steps(places: Sequence[int]) -> list[tuple[int, int]]:
    """How bits that lie side by side from 0 on are moved to these places, which are in order: all
    those at once that have some power of two to go, by that distance; the longest way first.

    Of two neighbours the latter has as far to go, or further, so that they never meet.
    """
    steps: list[tuple[int, int]] = []
    standing = [*range(len(places))]
    for power in reversed(range(max(places).bit_length())):
        distance = 1 << power
        moving = [at for at, place in zip(standing, places, strict=True) if place - at >= distance]
        if moving:
            steps.append((distance, vector(moving)))
            standing = [
                at + distance if place - at >= distance else at
                for at, place in zip(standing, places, strict=True)
            ]
    return steps
