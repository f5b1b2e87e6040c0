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
    stay empty. What comes of a rule is wanted elsewhere: at a filter's slot, or at the place of a
    branch.
    """

    def __init__(self, sizes: Sizes, start: int, wanted_at: Sequence[int]) -> None:
        self._sizes = sizes
        self._start = start
        self._wanted_at = [(place >> 3, 1 << (place & 7)) for place in wanted_at]
        self._many = len(wanted_at)
        self._row = (1 << self._many) - 1
        self._rows = 1 + sum(sizes)
        self.end = start + self._rows * self._many
        self._all = (1 << self._rows * self._many) - 1

    def place(self, rule: int) -> int:
        """Where a rule's literals are looked up."""
        return self._start + rule

    def branch(self, rule: int, choice: int, branch: int) -> int:
        """The place of a branch."""
        return self._start + (1 + sum(self._sizes[:choice]) + branch) * self._many + rule

    def settled(self, bits: int, wanted: bytearray) -> int:
        """The vector, in which rules without a branch hold no longer. Sets the bits at which it is
        wanted that the others do."""
        branches = bits >> self._start & self._all
        literals, branches = branches & self._row, branches >> self._many
        held = literals
        for size in self._sizes:
            width = size * self._many
            held &= self._any(branches & (1 << width) - 1, width)
            branches >>= width
        # From the least bit on.
        digits = bin(held)[:1:-1].encode().translate(_DIGITS)
        for byte, bit in compress(self._wanted_at, digits):
            wanted[byte] |= bit
        return bits ^ (literals ^ held) << self._start

    def _any(self, branches: int, width: int) -> int:
        """The rules of which some branch holds."""
        while width > self._many:
            width //= 2
            branches = branches >> width | branches & (1 << width) - 1
        return branches

    def lost(self, left: int) -> int:
        """The branches of the rules that are not left."""
        gone = self._row ^ left >> self._start & self._row
        rows, width = gone, self._many
        while width < self._rows * self._many:
            rows |= rows << width
            width *= 2
        return (rows & self._all ^ gone) << self._start
