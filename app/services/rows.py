"""Rows of a bulk call: taken or refused one by one, with the row's index in each path."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from app.domain.inputs import Model, read
from app.errors import Code, Problem, Refused, refuse

MOST_ROWS = 1_000

Wire = Mapping[str, Any]


@dataclass(frozen=True)
class BulkResult:
    """How many rows were taken, and what is wrong with the others."""

    accepted: int
    problems: tuple[Problem, ...]


@dataclass
class Rows(Generic[Model]):
    """The rows of one call that can be read, by their index, and the problems of the rest."""

    wires: Sequence[Wire]
    good: dict[int, Model] = field(default_factory=dict)
    bad: dict[int, tuple[Problem, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, model: type[Model], wires: Sequence[Wire]) -> "Rows[Model]":
        if len(wires) > MOST_ROWS:
            message = f"A call takes at most {MOST_ROWS:,} rows; send {len(wires):,} in parts."
            raise refuse(Code.TOO_MANY, message, "inputs")
        rows: Rows[Model] = cls(wires)
        for index, wire in enumerate(wires):
            try:
                rows.good[index] = read(model, wire)
            except Refused as refused:
                rows.bad[index] = refused.problems
        return rows

    def result(self, refused: Mapping[int, Iterable[Problem]]) -> BulkResult:
        """What came of the call, where these of the good rows were refused later."""
        bad = {index: found for index, found in {**self.bad, **refused}.items() if found}
        problems = [
            problem.under("inputs", str(index)) for index in sorted(bad) for problem in bad[index]
        ]
        return BulkResult(len(self.wires) - len(bad), tuple(problems))
