"""Where the rules have their bits: filters at their slots, all else beyond them."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple

from app.filters.matcher.rules import Literal, Rule, rule
from app.filters.matcher.shapes import Level, Shape, Sizes
from app.filters.tree import Filter


class Layout(NamedTuple):
    """The literals of the rules by their places, and the rules with choices: those of the filters,
    and deeper and deeper those of branches."""

    literals: dict[int, list[Literal]]
    levels: list[Level]


def laid_out(filters: Mapping[int, Filter], column: Callable[[Literal], Hashable]) -> Layout:
    """Every filter and every branch in a place of its own, so that no rule has two literals in one
    column: what it has more, a branch of its own has."""
    found = Layout({}, [])
    level = [(slot, _split(rule(filter_), column)) for slot, filter_ in filters.items()]
    free = max(filters, default=-1) + 1
    while level:
        shapes: list[Shape] = []
        wanted_at: list[int] = []
        branches: list[tuple[int, Rule]] = []
        for sizes, rules in _by_shape(level).items():
            if not sizes:
                found.literals.update((place, each.literals) for place, each in rules)
                continue
            shape = Shape(sizes, free, len(rules))
            shapes.append(shape)
            wanted_at += (place for place, _ in rules)
            free = shape.end
            for number, (_, each) in enumerate(rules):
                found.literals[shape.place(number)] = each.literals
                branches += (
                    (shape.branch(number, *where), _split(branch, column))
                    for where, branch in _branches(each)
                )
        if shapes:
            found.levels.append(Level(shapes, wanted_at))
        level = branches
    return found


def _split(whole: Rule, column: Callable[[Literal], Hashable]) -> Rule:
    """The rule with no two literals in one column."""
    first: dict[Hashable, Literal] = {}
    more = [each for each in whole.literals if first.setdefault(column(each), each) is not each]
    if not more:
        return whole
    return Rule([*first.values()], [*whole.choices, [Rule(more, [])]])


def _by_shape(level: list[tuple[int, Rule]]) -> dict[Sizes, list[tuple[int, Rule]]]:
    shapes: defaultdict[Sizes, list[tuple[int, Rule]]] = defaultdict(list)
    for place, each in level:
        each.choices.sort(key=len, reverse=True)
        sizes = tuple(1 << (len(choice) - 1).bit_length() for choice in each.choices)
        shapes[sizes].append((place, each))
    return shapes


def _branches(whole: Rule) -> list[tuple[tuple[int, int], Rule]]:
    """Each branch with its choice's number, and its own."""
    return [
        ((choice, number), branch)
        for choice, branches in enumerate(whole.choices)
        for number, branch in enumerate(branches)
    ]
