"""Rules with choices, all those of one shape at once."""

from collections.abc import Sequence
from itertools import compress

DisjunctionSizes = tuple[int, ...]
"""How many branches each choice of a rule has room for: powers of two, the largest first."""

_DIGIT_TO_FLAG = bytes.maketrans(b"01", b"\0\1")


class RuleBlock:
    """Rules that hold where their literals do, and of each choice one of the branches.

    The rules lie side by side, in any order; behind them the first branches of their first choices,
    in the same order, then the second branches, and so on. Places of branches that there are not
    stay empty.
    """

    def __init__(self, sizes: DisjunctionSizes, start: int, rule_count: int) -> None:
        self.first_bit, self.rule_count = start, rule_count
        self._sizes = sizes
        self._row_mask = (1 << rule_count) - 1
        self._row_count = 1 + sum(sizes)
        self._block_mask = (1 << self._row_count * rule_count) - 1
        self.end_bit = start + self._row_count * rule_count

    def rule_bit(self, rule_number: int) -> int:
        """Where a rule's literals are looked up."""
        return self.first_bit + rule_number

    def branch_bit(self, rule_number: int, disjunction_number: int, branch_number: int) -> int:
        """The place of a branch."""
        return (
            self.first_bit
            + (1 + sum(self._sizes[:disjunction_number]) + branch_number) * self.rule_count
            + rule_number
        )

    def unreachable_branches(self, remaining: int) -> int:
        """The branches of the rules that are not left."""
        excluded = self._row_mask ^ remaining >> self.first_bit & self._row_mask
        excluded_rows, width = excluded, self.rule_count
        while width < self._row_count * self.rule_count:
            excluded_rows |= excluded_rows << width
            width *= 2
        return (excluded_rows & self._block_mask ^ excluded) << self.first_bit

    def resolve(self, bits: int) -> tuple[int, int]:
        """The rules whose literals hold, and those of them that hold: the first has bit 0."""
        branches = bits >> self.first_bit & self._block_mask
        rules_by_literals, branches = branches & self._row_mask, branches >> self.rule_count
        matching = rules_by_literals
        for size in self._sizes:
            width = size * self.rule_count
            matching &= self._merge_branches(branches & (1 << width) - 1, width)
            branches >>= width
        return rules_by_literals, matching

    def _merge_branches(self, branches: int, width: int) -> int:
        """The rules of which some branch holds."""
        while width > self.rule_count:
            width //= 2
            branches = branches >> width | branches & (1 << width) - 1
        return branches


class Level:
    """Rules of all shapes, none of which is a branch of another; with the places at which it is
    wanted what comes of each: filters' slots, or the places of branches further up."""

    def __init__(self, blocks: Sequence[RuleBlock], result_bits: Sequence[int]) -> None:
        self._blocks = blocks
        self._result_positions = [(bit >> 3, 1 << (bit & 7)) for bit in result_bits]
        self._byte_count = max(result_bits) // 8 + 1

    def unreachable_branches(self, remaining: int) -> int:
        """The branches of the rules that are not left."""
        unreachable = 0
        for block in self._blocks:
            unreachable |= block.unreachable_branches(remaining)
        return unreachable

    def resolve(self, bits: int) -> int:
        """The vector, in which rules without a branch hold no longer, and the others where it is
        wanted."""
        failed, matching, rule_count = 0, 0, 0
        for block in self._blocks:
            rules_by_literals, matching_rules = block.resolve(bits)
            failed |= (rules_by_literals ^ matching_rules) << block.first_bit
            matching |= matching_rules << rule_count
            rule_count += block.rule_count
        result_bytes = bytearray(self._byte_count)
        # From the least bit on.
        matching_flags = bin(matching)[:1:-1].encode().translate(_DIGIT_TO_FLAG)
        for byte, bit in compress(self._result_positions, matching_flags):
            result_bytes[byte] |= bit
        return bits ^ failed | int.from_bytes(result_bytes, "little")
