"""The rows of customers with those that are over: what any state of theirs includes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.domain.ids import Kind
from app.filters import Now
from app.filters.measuring import rows_ahead
from app.filters.sources import COUNTED_STATUSES, LISTS, ORDER
from app.filters.tree import Measure
from app.store.collections import Database
from app.store.departures import Departures
from app.store.ids import keys, public

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

_MADE_OF_LAST_STATE = {"current": True}


class History:
    """Reads what the states of customers are judged by."""

    def __init__(self, database: Database, departures: Departures) -> None:
        self._database = database
        self._departures = departures

    async def of(
        self, customer_ids: Sequence[str], needed: Iterable[Measure], since: Now
    ) -> dict[str, Rows]:
        """By customer, the rows that the measures are taken of in any state, at any instant from
        this one on."""
        asked: dict[str, list[dict[str, Any]]] = {}
        for measure in needed:
            predicate = rows_ahead(_in_any_state(measure), since)
            asked.setdefault(measure.source.collection, []).append(predicate)
        found: dict[str, dict[str, list[Mapping[str, Any]]]] = {
            id_: {name: [] for name in asked} for id_ in customer_ids
        }
        keys_ = keys(Kind.CUSTOMER, customer_ids)
        for collection, any_of in asked.items():
            query = {"customerId": {"$in": keys_}, "$or": any_of}
            async for row in self._database[collection].find(query):
                found[public(Kind.CUSTOMER, row["customerId"])][collection].append(row)
        if LISTS in asked:
            for id_, rows in (await self._departures.lists(customer_ids)).items():
                found[id_][LISTS] += rows
        return dict(found)


def in_state(rows: Rows, version: object) -> Rows:
    """Those of the rows that the state of this version includes, as they stood in it."""
    if not isinstance(version, int):
        return rows
    return {
        name: [
            {**row, **_MADE_OF_LAST_STATE}
            for row in of_collection
            if row.get("since", version) <= version < row.get("until", version + 1)
        ]
        for name, of_collection in rows.items()
    }


def _in_any_state(measure: Measure) -> Measure:
    """The measure with the orders that are no longer current."""
    if measure.source.name != ORDER:
        return measure
    counting = {"status": {"$in": list(COUNTED_STATUSES)}}
    return replace(measure, source=replace(measure.source, match=counting))
