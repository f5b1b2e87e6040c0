"""The walk through one of their filters: every problem at once, each with its path."""

from collections.abc import Iterator
from typing import Any

from app.errors import Code, Path, Problem, Refused
from app.filters.catalog import Catalog
from app.filters.fields import Field
from app.filters.likeness import most_like, pairs_of
from app.filters.parse import MOST_CONDITIONS, MOST_VALUES, parse, quoted, too_complex
from app.filters.voucherify import fields
from app.filters.voucherify.asked import Asked, Wire, either, every
from app.filters.voucherify.operators import TRANSLATIONS, WITHOUT
from app.filters.voucherify.values import listed

JUNCTION, CONDITIONS = "junction", "conditions"

_KNOWN = pairs_of([*TRANSLATIONS, *WITHOUT])
_JUNCTIONS = {"and": every, "or": either}


def translate(theirs: object, catalog: Catalog, *path: str) -> Wire:
    """Their filter as a filter of ours, with the project's types considered.

    The fields are joined by the junction, `and` where there is none; the operators of one field
    all hold. Refused carries every problem; their paths begin with `path`.
    """
    walk = _Walk(catalog)
    if not isinstance(theirs, dict):
        message = "A filter of Voucherify's is an object of fields; send what stands in `filter`."
        raise Refused([Problem(Code.INVALID, message, path)])
    _measure(theirs, path)
    ours = walk.filter(theirs, path)
    if ours is None:
        raise Refused(walk.problems)
    return ours


def _measure(theirs: dict[str, Any], path: Path) -> None:
    """Refuses what is too large before anything is made of it."""
    count = len(theirs) - (JUNCTION in theirs)
    if count > MOST_CONDITIONS or sum(1 for _ in _values(theirs)) > MOST_CONDITIONS:
        raise too_complex(f"has more than {MOST_CONDITIONS} conditions", path)
    if sum(len(listed(value)) for value in _values(theirs)) > MOST_VALUES:
        raise too_complex(f"has more than {MOST_VALUES:,} values", path)


def _values(theirs: dict[str, Any]) -> Iterator[Any]:
    for asked in theirs.values():
        if isinstance(asked, dict) and isinstance(asked.get(CONDITIONS), dict):
            yield from asked[CONDITIONS].values()


class _Walk:
    """Collects the problems of one filter; None stands for a part that has some."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.problems: list[Problem] = []

    def _problem(self, code: Code, message: str, path: Path) -> None:
        self.problems.append(Problem(code, message, path))

    def _caught(self, refused: Refused, path: Path) -> None:
        """What was refused of our filter is a problem of the part that it was made of."""
        for code, message in dict.fromkeys((p.code, p.message) for p in refused.problems):
            self._problem(code, message, path)

    def filter(self, theirs: dict[str, Any], path: Path) -> Wire | None:
        parts = [
            self._field(key, asked, (*path, key))
            for key, asked in theirs.items()
            if key != JUNCTION
        ]
        if not parts:
            message = "The filter asks for nothing; give at least one field with its conditions."
            self._problem(Code.FILTER_EMPTY, message, path)
        junction = theirs.get(JUNCTION)
        said = "and" if junction is None else junction
        join = _JUNCTIONS.get(said.lower()) if isinstance(said, str) else None
        if join is None:
            message = "The junction is neither `and` nor `or`; use one of these."
            self._problem(Code.INVALID_VALUE, message, (*path, JUNCTION))
        whole = [part for part in parts if part is not None]
        return None if self.problems or join is None else join(whole)

    def _field(self, key: str, asked: Any, path: Path) -> Wire | None:
        field = self._known(key, path)
        if not isinstance(asked, dict) or not isinstance(asked.get(CONDITIONS), dict):
            message = 'A field has its operators in `conditions`: {"conditions": {"$is": ["x"]}}.'
            self._problem(Code.INVALID, message, path)
            return None
        other = next((other for other in asked if other != CONDITIONS), None)
        if other is not None:
            message = f"A field has nothing but `conditions`; take {quoted(other)} out."
            self._problem(Code.INVALID, message, (*path, other))
        conditions, path = asked[CONDITIONS], (*path, CONDITIONS)
        if not conditions:
            message = "The field has no operator; give at least one, or leave the field out."
            self._problem(Code.FILTER_EMPTY, message, path)
        parts = [self._operator(field, name, conditions, (*path, name)) for name in conditions]
        whole = [part for part in parts if part is not None]
        return every(whole) if whole else None

    def _known(self, key: str, path: Path) -> Field | None:
        try:
            return fields.find(key, self.catalog)
        except Refused as refused:
            self._caught(refused, path)
            return None

    def _operator(
        self, field: Field | None, name: str, conditions: dict[str, Any], path: Path
    ) -> Wire | None:
        if name not in TRANSLATIONS:
            near = most_like(name, _KNOWN)
            unknown = f"No operator is called {quoted(name)}; the nearest is {near}."
            self._problem(Code.OPERATOR_NOT_APPLICABLE, WITHOUT.get(name, unknown), path)
            return None
        if field is None:
            return None
        try:
            asked = Asked(field, listed(conditions[name]), conditions)
            ours = TRANSLATIONS[name].make(asked)
            parse(ours, self.catalog)
        except Refused as refused:
            self._caught(refused, path)
            return None
        return ours
