"""Assigns a bit to every rule: its slot to a filter, and higher bits to everything else."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple

from app.filters.matcher.rule_blocks import DisjunctionSizes, Level, RuleBlock
from app.filters.matcher.rules import Literal, Rule, to_rule
from app.filters.tree import Filter


class Layout(NamedTuple):
    """The literals of the rules, by the bits of the rules, and the levels of rules that have
    disjunctions: first the filters, then their branches, then the branches of these."""

    literals: dict[int, list[Literal]]
    levels: list[Level]


def build_layout(filters: Mapping[int, Filter], index_key: Callable[[Literal], Hashable]) -> Layout:
    """Assigns a bit to every filter and to every branch.

    `filters` are by slot. `index_key` identifies the index that answers a literal. A rule can have
    only one literal in an index; further ones become a branch of their own.
    """
    layout = Layout({}, [])
    entries = [
        (slot, _split_rule(to_rule(filter_), index_key)) for slot, filter_ in filters.items()
    ]
    next_bit = max(filters, default=-1) + 1
    while entries:
        blocks: list[RuleBlock] = []
        result_bits: list[int] = []
        branches: list[tuple[int, Rule]] = []
        for sizes, rules in _group_by_sizes(entries).items():
            if not sizes:
                layout.literals.update((bit, rule.literals) for bit, rule in rules)
                continue
            block = RuleBlock(sizes, next_bit, len(rules))
            blocks.append(block)
            result_bits += (bit for bit, _ in rules)
            next_bit = block.end_bit
            for rule_number, (_, rule) in enumerate(rules):
                layout.literals[block.rule_bit(rule_number)] = rule.literals
                branches += (
                    (block.branch_bit(rule_number, *branch_path), _split_rule(branch, index_key))
                    for branch_path, branch in _numbered_branches(rule)
                )
        if blocks:
            layout.levels.append(Level(blocks, result_bits))
        entries = branches
    return layout


def _split_rule(rule: Rule, index_key: Callable[[Literal], Hashable]) -> Rule:
    """The rule with at most one literal for each index. The others become a disjunction with a
    single branch."""
    first_literals: dict[Hashable, Literal] = {}
    extra_literals = [
        literal
        for literal in rule.literals
        if first_literals.setdefault(index_key(literal), literal) is not literal
    ]
    if not extra_literals:
        return rule
    return Rule([*first_literals.values()], [*rule.disjunctions, [Rule(extra_literals, [])]])


def _group_by_sizes(
    entries: list[tuple[int, Rule]],
) -> dict[DisjunctionSizes, list[tuple[int, Rule]]]:
    entries_by_sizes: defaultdict[DisjunctionSizes, list[tuple[int, Rule]]] = defaultdict(list)
    for bit, rule in entries:
        rule.disjunctions.sort(key=len, reverse=True)
        sizes = tuple(1 << (len(disjunction) - 1).bit_length() for disjunction in rule.disjunctions)
        entries_by_sizes[sizes].append((bit, rule))
    return entries_by_sizes


def _numbered_branches(rule: Rule) -> list[tuple[tuple[int, int], Rule]]:
    """Each branch with the number of its disjunction and its own number in it."""
    return [
        ((disjunction_number, branch_number), branch)
        for disjunction_number, branches in enumerate(rule.disjunctions)
        for branch_number, branch in enumerate(branches)
    ]
