"""A cache of the parsed filters of validation rules."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from app.filters.tree import Filter, Measure
from app.filters.walk import measures


class RuleFilter(NamedTuple):
    """The parsed filter of a rule, and the measures that it needs."""

    tree: Filter
    measures: Sequence[Measure]


class RuleFilters:
    """Parsed rules by id. Each revision of the definitions has its own cache, which starts with the
    entries of the revision before that are still valid."""

    def __init__(self, filters: dict[str, RuleFilter] | None = None) -> None:
        self._filters = filters or {}

    def without(self, rule_ids: Iterable[str]) -> "RuleFilters":
        """Returns a copy without these rules."""
        filters = dict(self._filters)
        for id_ in rule_ids:
            filters.pop(id_, None)
        return RuleFilters(filters)

    def get(self, rule_id: str) -> RuleFilter | None:
        return self._filters.get(rule_id)

    def add(self, rule_id: str, tree: Filter) -> RuleFilter:
        added = self._filters[rule_id] = RuleFilter(tree, measures(tree))
        return added
