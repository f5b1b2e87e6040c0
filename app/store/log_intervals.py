"""Queries for definitions that apply to an interval of the transition log."""

from typing import Any


def applies_after(sequence: int) -> dict[str, Any]:
    """The definitions that apply to some of the log after a sequence. The field `untilSequence`
    ends their interval; it is None while they are in force."""
    return {"$or": [{"untilSequence": None}, {"untilSequence": {"$gt": sequence}}]}
