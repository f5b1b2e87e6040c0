"""Evaluates the disjunctions of many rules at once."""

from collections.abc import Sequence
from itertools import compress

DisjunctionSizes = tuple[int, ...]
"""The number of branches that each disjunction of a rule has room for: powers of two, the largest
first."""

_DIGIT_TO_FLAG = bytes.maketrans(b"01", b"\0\1")


class RuleBlock:
    """The rules whose disjunctions have the same sizes.

    A rule matches if its literals hold and at least one branch of each disjunction matches. The
    bits of a block are rows of `rule_count` bits. The first row has the bits of the rules. The next
    row has, in the same order, the first branch of each rule's first disjunction, the next row the
    second branch, and so on. The bits of branches that a rule does not have stay 0.
    """

    def __init__(self, sizes: DisjunctionSizes, start: int, rule_count: int) -> None:
        self.first_bit, self.rule_count = start, rule_count
        self._sizes = sizes
        self._row_mask = (1 << rule_count) - 1
        self._row_count = 1 + sum(sizes)
        self._block_mask = (1 << self._row_count * rule_count) - 1
        self.end_bit = start + self._row_count * rule_count

    def rule_bit(self, rule_number: int) -> int:
        """The bit of a rule, which stands for its literals."""
        return self.first_bit + rule_number

    def branch_bit(self, rule_number: int, disjunction_number: int, branch_number: int) -> int:
        """The bit of a branch."""
        return (
            self.first_bit
            + (1 + sum(self._sizes[:disjunction_number]) + branch_number) * self.rule_count
            + rule_number
        )

    def unreachable_branches(self, remaining: int) -> int:
        """The bitmap of the branches of excluded rules."""
        excluded = self._row_mask ^ remaining >> self.first_bit & self._row_mask
        excluded_rows, width = excluded, self.rule_count
        while width < self._row_count * self.rule_count:
            excluded_rows |= excluded_rows << width
            width *= 2
        return (excluded_rows & self._block_mask ^ excluded) << self.first_bit

    def resolve(self, bitmap: int) -> tuple[int, int]:
        """The rules whose literals hold, and those of them that match; the first rule has bit 0."""
        block_bits = bitmap >> self.first_bit & self._block_mask
        rules_by_literals = block_bits & self._row_mask
        branches = block_bits >> self.rule_count
        matching = rules_by_literals
        for size in self._sizes:
            width = size * self.rule_count
            matching &= self._merge_branches(branches & (1 << width) - 1, width)
            branches >>= width
        return rules_by_literals, matching

    def _merge_branches(self, branches: int, width: int) -> int:
        """The rules with at least one matching branch."""
        while width > self.rule_count:
            width //= 2
            branches = branches >> width | branches & (1 << width) - 1
        return branches


class Level:
    """The rules with disjunctions at the same depth, in blocks.

    `result_bits` has for each rule the bit to set if the rule matches: the slot of a filter, or the
    bit of a branch one level higher.
    """

    def __init__(self, blocks: Sequence[RuleBlock], result_bits: Sequence[int]) -> None:
        self._blocks = blocks
        self._result_positions = [(bit >> 3, 1 << (bit & 7)) for bit in result_bits]
        self._byte_count = max(result_bits) // 8 + 1

    def unreachable_branches(self, remaining: int) -> int:
        """The bitmap of the branches of excluded rules."""
        unreachable = 0
        for block in self._blocks:
            unreachable |= block.unreachable_branches(remaining)
        return unreachable

    def resolve(self, bitmap: int) -> int:
        """The bitmap, after the disjunctions of the level have been evaluated.

        The bits of rules without a matching branch are cleared, and the result bits of the other
        rules are set.
        """
        failed, matching, rule_count = 0, 0, 0
        for block in self._blocks:
            rules_by_literals, matching_rules = block.resolve(bitmap)
            failed |= (rules_by_literals ^ matching_rules) << block.first_bit
            matching |= matching_rules << rule_count
            rule_count += block.rule_count
        result_bytes = bytearray(self._byte_count)
        # One byte for each rule, from the lowest bit on.
        matching_flags = bin(matching)[:1:-1].encode().translate(_DIGIT_TO_FLAG)
        for byte, bit in compress(self._result_positions, matching_flags):
            result_bytes[byte] |= bit
        return bitmap ^ failed | int.from_bytes(result_bytes, "little")
