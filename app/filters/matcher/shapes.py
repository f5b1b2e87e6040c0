"""Rules with choices, all those of one shape at once."""

from collections.abc import Sequence
from itertools import compress

Sizes = tuple[int, ...]
"""How many branches each choice of a rule has room for: powers of two, the largest first."""

_DIGITS = bytes.maketrans(b"01", b"\0\1")


class Shape:
    """Rules that hold where their literals do, and of each choice one of the branches.

    The rules lie side by side, in any order; behind them the first branches of their first choices,
    in the same order, then the second branches, and so on. Places of branches that there are not
    stay empty.
    """

    def __init__(self, sizes: Sizes, start: int, many: int) -> None:
        self.start, self.many = start, many
        self._sizes = sizes
        self._row = (1 << many) - 1
        self._rows = 1 + sum(sizes)
        self._all = (1 << self._rows * many) - 1
        self.end = start + self._rows * many

    def place(self, rule: int) -> int:
        """Where a rule's literals are looked up."""
        return self.start + rule

    def branch(self, rule: int, choice: int, branch: int) -> int:
        """The place of a branch."""
        return self.start + (1 + sum(self._sizes[:choice]) + branch) * self.many + rule

    def lost(self, left: int) -> int:
        """The branches of the rules that are not left."""
        gone = self._row ^ left >> self.start & self._row
        rows, width = gone, self.many
        while width < self._rows * self.many:
            rows |= rows << width
            width *= 2
        return (rows & self._all ^ gone) << self.start

    def settled(self, bits: int) -> tuple[int, int]:
        """The rules whose literals hold, and those of them that hold: the first has bit 0."""
        branches = bits >> self.start & self._all
        literals, branches = branches & self._row, branches >> self.many
        held = literals
        for size in self._sizes:
            width = size * self.many
            held &= self._any(branches & (1 << width) - 1, width)
            branches >>= width
        return literals, held

    def _any(self, branches: int, width: int) -> int:
        """The rules of which some branch holds."""
        while width > self.many:
            width //= 2
            branches = branches >> width | branches & (1 << width) - 1
        return branches


class Level:
    """Rules of all shapes, none of which is a branch of another; with the places at which it is
    wanted what comes of each: filters' slots, or the places of branches further up."""

    def __init__(self, shapes: Sequence[Shape], wanted_at: Sequence[int]) -> None:
        self._shapes = shapes
        self._wanted_at = [(place >> 3, 1 << (place & 7)) for place in wanted_at]
        self._bytes = max(wanted_at) // 8 + 1

    def lost(self, left: int) -> int:
        """The branches of the rules that are not left."""
        lost = 0
        for shape in self._shapes:
            lost |= shape.lost(left)
        return lost

    def settled(self, bits: int) -> int:
        """The vector, in which rules without a branch hold no longer, and the others where it is
        wanted."""
        ended, held, behind = 0, 0, 0
        for shape in self._shapes:
            literals, those = shape.settled(bits)
            ended |= (literals ^ those) << shape.start
            held |= those << behind
            behind += shape.many
        wanted = bytearray(self._bytes)
        # From the least bit on.
        digits = bin(held)[:1:-1].encode().translate(_DIGITS)
        for byte, bit in compress(self._wanted_at, digits):
            wanted[byte] |= bit
        return bits ^ ended | int.from_bytes(wanted, "little")
