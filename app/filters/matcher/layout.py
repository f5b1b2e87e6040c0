"""Where the rules have their bits: filters at their slots, branches beyond them."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from app.filters.matcher.choices import Choices
from app.filters.matcher.rules import Literal, Rule, rule
from app.filters.tree import Filter


class Layout(NamedTuple):
    """The literals of each rule by its place, and the choices: those of a rule come before those
    of its branches."""

    literals: dict[int, list[Literal]]
    choices: list[Choices]


def laid_out(filters: Mapping[int, Filter]) -> Layout:
    """Every filter and every branch in a place of its own."""
    found = Layout({}, [])
    level = [(slot, rule(filters[slot])) for slot in sorted(filters)]
    free = max(filters, default=-1) + 1
    while level:
        found.literals.update((place, each.literals) for place, each in level)
        branches: list[tuple[int, Rule]] = []
        for size, owned in _by_shape(level).items():
            choices = Choices([place for place, _ in owned], size[1], free)
            free += len(owned) * size[1]
            found.choices.append(choices)
            branches += (
                (choices.place(owner, number), branch)
                for owner, (_, choice) in enumerate(owned)
                for number, branch in enumerate(choice)
            )
        level = sorted(branches, key=lambda placed: placed[0])
    return found


_Owned = list[tuple[int, list[Rule]]]


def _by_shape(level: list[tuple[int, Rule]]) -> dict[tuple[int, int], _Owned]:
    """The choices with the places of their rules, by which choice of its rule each is, and by the
    power of two that has room for its branches."""
    shapes: defaultdict[tuple[int, int], _Owned] = defaultdict(list)
    for place, each in level:
        for number, choice in enumerate(each.choices):
            shapes[number, 1 << (len(choice) - 1).bit_length()].append((place, choice))
    return shapes
