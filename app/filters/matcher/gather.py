"""What many rules want, brought together by where it is found."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from app.filters.fields import Field
from app.filters.matcher.columns import (
    Column,
    DistancesColumn,
    MomentsColumn,
    NumbersColumn,
    ValuesColumn,
    Wanted,
)
from app.filters.matcher.lookups import Lookup, lookup
from app.filters.matcher.rows import Events
from app.filters.matcher.rules import Literal
from app.filters.matcher.singles import Single, single
from app.filters.matcher.vectors import vector
from app.filters.tree import AttributeCondition, EventCondition
from app.filters.walk import Condition

_COLUMNS: dict[Lookup, Callable[[Sequence[Wanted], int], Column]] = {
    Lookup.VALUES: partial(ValuesColumn, ignore_case=False),
    Lookup.FOLDED_VALUES: partial(ValuesColumn, ignore_case=True),
    Lookup.NUMBERS: NumbersColumn,
    Lookup.MOMENTS: MomentsColumn,
    Lookup.DISTANCES: partial(DistancesColumn, of_days=False),
    Lookup.DISTANCES_OF_DAYS: partial(DistancesColumn, of_days=True),
}


Columns = list[tuple[Field, list[Column]]]


class Gathered(NamedTuple):
    """Everything that is asked of a customer, in the order in which it is best asked. What follows
    the clock comes late: who is ruled out for good need not wait for it."""

    columns: Columns
    singles: list[Single[Any]]
    clock_columns: Columns
    clock_singles: list[Single[Any]]
    events: Events


def column(literal: Literal) -> Hashable:
    """What is the same for literals of one column: a rule may have but one of them."""
    part, _ = literal
    match part:
        case EventCondition():
            return EventCondition
        case AttributeCondition() if way := lookup(part):
            return part.field, way
        case _:
            return part


def gathered(rules: Mapping[int, Sequence[Literal]]) -> Gathered:
    """What the rules, by their places, want of the parts of a customer."""
    everyone = vector(rules)
    looked_up: defaultdict[tuple[Field, Lookup], list[Wanted]] = defaultdict(list)
    measured: list[Wanted] = []
    alone: defaultdict[Condition, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for rule, literals in rules.items():
        for part, holds in literals:
            if isinstance(part, EventCondition):
                measured.append(Wanted(rule, part, holds))
            elif isinstance(part, AttributeCondition) and (way := lookup(part)):
                looked_up[part.field, way].append(Wanted(rule, part, holds))
            else:
                alone[part][not holds].append(rule)

    steady: defaultdict[Field, list[Column]] = defaultdict(list)
    clock: defaultdict[Field, list[Column]] = defaultdict(list)
    for (field, way), wanted in looked_up.items():
        found = _COLUMNS[way](wanted, everyone)
        (clock if found.follows_clock else steady)[field].append(found)
    singles = [single(part, *those) for part, those in alone.items()]
    return Gathered(
        [*steady.items()],
        [each for each in singles if not each.follows_clock],
        [*clock.items()],
        [each for each in singles if each.follows_clock],
        Events(measured, everyone),
    )
