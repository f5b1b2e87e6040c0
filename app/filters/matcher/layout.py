"""Where the rules have their bits: filters at their slots, all else beyond them."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple

from app.filters.matcher.rule_blocks import DisjunctionSizes, Level, RuleBlock
from app.filters.matcher.rules import Literal, Rule, to_rule
from app.filters.tree import Filter


class Layout(NamedTuple):
    """The literals of the rules by their places, and the rules with choices: those of the filters,
    and deeper and deeper those of branches."""

    literals: dict[int, list[Literal]]
    levels: list[Level]


def build_layout(filters: Mapping[int, Filter], index_key: Callable[[Literal], Hashable]) -> Layout:
    """Every filter and every branch in a place of its own, so that no rule has two literals in one
    column: what it has more, a branch of its own has."""
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
    """The rule with no two literals in one column."""
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
    """Each branch with its choice's number, and its own."""
    return [
        ((disjunction_number, branch_number), branch)
        for disjunction_number, branches in enumerate(rule.disjunctions)
        for branch_number, branch in enumerate(branches)
    ]
