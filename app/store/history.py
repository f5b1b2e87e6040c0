"""The rows of customers with those that are over: what any state of theirs includes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.domain.ids import Kind
from app.filters.fields import activity
from app.filters.sources import COUNTED_STATUSES, LISTS, Source
from app.filters.tree import Last, Measure, Range
from app.store.collections import Database
from app.store.ids import keys, public

Document = Mapping[str, Any]
Rows = Mapping[str, Sequence[Mapping[str, Any]]]

_MADE_OF_LAST_STATE = {"current": True}


class History:
    """Reads what the states of customers are judged by."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(
        self,
        documents: Mapping[str, Iterable[Document]],
        needed: Iterable[Measure],
        since: datetime,
    ) -> dict[str, Rows]:
        """By customer, the rows that the measures are taken of in any of these states of theirs, at
        any instant from this one on. Whose documents say that there are none is not asked about."""
        found: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
        for collection, sources in _by_collection(needed, since).items():
            ids = [
                id_
                for id_, states in documents.items()
                if any(_may_have(state, sources) for state in states)
            ]
            if not ids:
                continue
            query = {"customerId": {"$in": keys(Kind.CUSTOMER, ids)}, **_any_of(sources)}
            async for row in self._database[collection].find(query):
                rows = found.setdefault(public(Kind.CUSTOMER, row["customerId"]), {})
                rows.setdefault(collection, []).append(row)
        return dict(found)


Since = datetime | None


def _by_collection(needed: Iterable[Measure], since: datetime) -> dict[str, dict[Source, Since]]:
    """From when on rows of each source may be asked for; None where they always may."""
    found: dict[str, dict[Source, Since]] = {}
    for measure in needed:
        first = _first(measure, since)
        sources = found.setdefault(measure.source.collection, {})
        known = sources.setdefault(measure.source, first)
        sources[measure.source] = None if known is None or first is None else min(known, first)
    return found


def _first(measure: Measure, since: datetime) -> Since:
    match measure.window:
        case Last(length):
            return since - length
        case Range(start, _):
            return start
        case None:
            return None


def _may_have(document: Document, sources: Mapping[Source, Since]) -> bool:
    """Whether the customer may have such rows, as its document tells."""
    return any(_has(document, source, since) for source, since in sources.items())


def _has(document: Document, source: Source, since: Since) -> bool:
    if source.collection == LISTS:
        return True
    last_at = activity(source.name, "lastAt")
    assert last_at is not None
    last = last_at.read(document)
    return isinstance(last, datetime) and (since is None or last >= since)


def _any_of(sources: Mapping[Source, Since]) -> dict[str, Any]:
    """The predicate of all rows of the sources, in whatever state."""
    first = min((s for s in sources.values() if s is not None), default=None)
    bounds = {} if first is None or None in sources.values() else {"at": {"$gte": first}}
    match next(iter(sources)).collection:
        case "events":
            return {"name": {"$in": [source.name for source in sources]}, **bounds}
        case "orders":
            return {"status": {"$in": list(COUNTED_STATUSES)}, **bounds}
        case _:
            return {"segmentId": {"$in": [source.match["segmentId"] for source in sources]}}


def in_state(rows: Rows, version: object) -> Rows:
    """Those of the rows that the state of this version includes, as they stood in it."""
    if not rows or not isinstance(version, int):
        return rows
    return {
        name: [
            {**row, **_MADE_OF_LAST_STATE}
            for row in of_collection
            if row.get("since", version) <= version < row.get("until", version + 1)
        ]
        for name, of_collection in rows.items()
    }
