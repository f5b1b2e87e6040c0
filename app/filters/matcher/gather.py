"""What many rules want, brought together by where it is found."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from app.filters.fields import Field
from app.filters.matcher.columns import (
    Column,
    DistancesColumn,
    MomentsColumn,
    NumbersColumn,
    ValuesColumn,
    Wanted,
)
from app.filters.matcher.kinds import Kind, Measured, kind_of
from app.filters.matcher.lookups import Lookup, lookup
from app.filters.matcher.rules import Literal
from app.filters.matcher.singles import Single
from app.filters.matcher.vectors import vector
from app.filters.tree import AttributeCondition, EventCondition, Measure
from app.filters.walk import Condition

Of = TypeVar("Of", bound=Column)

_COLUMNS: dict[Lookup, Callable[[Sequence[Wanted], int], Column]] = {
    Lookup.VALUES: partial(ValuesColumn, ignore_case=False),
    Lookup.FOLDED_VALUES: partial(ValuesColumn, ignore_case=True),
    Lookup.NUMBERS: NumbersColumn,
    Lookup.MOMENTS: MomentsColumn,
    Lookup.DISTANCES: partial(DistancesColumn, of_days=False),
    Lookup.DISTANCES_OF_DAYS: partial(DistancesColumn, of_days=True),
}


class Gathered(NamedTuple):
    """Everything that is asked of a customer; what follows the clock comes after what does not,
    for it to wait for nothing that is ruled out for good."""

    fields: list[tuple[Field, list[Column]]]
    singles: list[Single]
    kinds: dict[Kind, list[Measured]]


def gathered(rules: Mapping[int, Sequence[Literal]]) -> Gathered:
    """What the rules, by their places, want of the parts of a customer."""
    everyone = vector(rules)
    looked_up: defaultdict[tuple[Field, Lookup], list[Wanted]] = defaultdict(list)
    measured: defaultdict[Measure, list[Wanted]] = defaultdict(list)
    alone: defaultdict[Condition, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for rule, literals in rules.items():
        for part, holds in literals:
            if isinstance(part, EventCondition):
                measured[part.measure].append(Wanted(rule, part, holds))
            elif isinstance(part, AttributeCondition) and (way := lookup(part)):
                looked_up[part.field, way].append(Wanted(rule, part, holds))
            else:
                alone[part][not holds].append(rule)

    steady: defaultdict[Field, list[Column]] = defaultdict(list)
    clock: defaultdict[Field, list[Column]] = defaultdict(list)
    for (field, way), wanted in looked_up.items():
        for column in in_layers(_COLUMNS[way], wanted, everyone):
            (clock if column.follows_clock else steady)[field].append(column)
    kinds: defaultdict[Kind, list[Measured]] = defaultdict(list)
    for measure, wanted in measured.items():
        columns = in_layers(NumbersColumn, wanted, everyone)
        kinds[kind_of(measure)].append(Measured(measure, columns))
    return Gathered(
        [*steady.items(), *clock.items()],
        sorted(
            (Single(part, *those) for part, those in alone.items()),
            key=lambda single: single.follows_clock,
        ),
        kinds,
    )


def in_layers(
    column: Callable[[Sequence[Wanted], int], Of], wanted: Iterable[Wanted], everyone: int
) -> list[Of]:
    """As many columns as are needed for each rule to stand in one of them once at most."""
    layers: list[list[Wanted]] = []
    count: defaultdict[int, int] = defaultdict(int)
    for each in wanted:
        layer = count[each.rule]
        count[each.rule] += 1
        if layer == len(layers):
            layers.append([])
        layers[layer].append(each)
    return [column(layer, everyone) for layer in layers]
