"""Those of whom a filter holds: counted, and brought page by page, in whichever way is chosen."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from bson import ObjectId

from app.domain.customers import Customer
from app.domain.ids import Kind
from app.filters import Pipeline
from app.filters.operators import Query
from app.filters.pipeline import CUSTOMERS, Way
from app.store.customers import as_customer
from app.store.ids import key, public
from app.store.questions import Questions, Stage

# So many ids at a time are taken from one question to the next: a look-up of each within the first
# costs ten times as much.
_IDS_TO_COUNT, _IDS_TO_FIND, _IDS_TO_LOOK_UP = 10_000, 1_000, 250
_IN_ORDER: Stage = {"$sort": {"_id": 1}}
_HINTS = {Way.BY_ID: {"_id": 1}, Way.IN_PLACE: {"$natural": 1}}


class Selections:
    """Questions of the customers whom a pipeline selects."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def count(self, selected: Pipeline) -> int:
        """How many customers are selected."""
        if selected.join:
            number = 0
            async with aclosing(self._named(selected, [], _IDS_TO_COUNT)) as named:
                async for ids in named:
                    number += await self._count(CUSTOMERS, [_one_of(ids), *selected.refine])
        elif selected.query is not None:
            hint = _hint(selected)
            number = await self._questions.number(CUSTOMERS, selected.query, **hint)
        else:
            number = await self._count(selected.collection, [*selected.gather, *selected.refine])
        return number + (await self.count(selected.also) if selected.also else 0)

    async def page(self, selected: Pipeline, after: str | None, most: int) -> list[Customer]:
        """The first of the selected customers, by id, after one of them."""
        place = {} if after is None else {"_id": {"$gt": key(Kind.CUSTOMER, after)}}
        found = await self._first(selected, place, most)
        if selected.also:
            found += await self._first(selected.also, place, most)
            found.sort(key=lambda document: document["_id"])
        return [as_customer(document) for document in found[:most]]

    async def ids(self, selected: Pipeline, most: int) -> list[str]:
        """The ids of at most so many of the selected customers."""
        only_id: Stage = {"$project": {"_id": 1}}
        found = await self._found(selected, [], most, only_id)
        if selected.also and len(found) < most:
            found += await self._found(selected.also, [], most - len(found), only_id)
        return [public(Kind.CUSTOMER, document["_id"]) for document in found]

    async def scans(self, selected: Pipeline) -> bool:
        """Whether counting the selected customers goes through a whole collection."""
        stages = selected.gather if selected.join else [*selected.gather, *selected.refine]
        counted = [*stages, {"$count": "count"}]
        return await self._questions.scans(selected.collection, counted, **_hint(selected))

    async def _count(self, collection: str, stages: list[Stage]) -> int:
        counted = await self._questions.answer(collection, [*stages, {"$count": "count"}])
        return sum(int(document["count"]) for document in counted)

    async def _first(self, selected: Pipeline, place: Query, most: int) -> list[dict[str, Any]]:
        """The first of the selected customers, by id, in the place."""
        if selected.query is not None:
            query = {**place, "$and": [selected.query]}
            return await self._questions.first(CUSTOMERS, query, most, **_hint(selected))
        return await self._found(selected, [{"$match": place}, _IN_ORDER], most)

    async def _found(
        self, selected: Pipeline, order: list[Stage], most: int, *shape: Stage
    ) -> list[dict[str, Any]]:
        """At most so many of the selected customers, in the order, of that shape."""
        at_once = _IDS_TO_FIND
        if not selected.gather:
            asked_first = bool(selected.refine) and "$match" in selected.refine[0]
            first, rest = selected.refine[:asked_first], selected.refine[asked_first:]
            if selected.way is not Way.BY_ID or not rest:
                # MongoDB ends at the limit where it meets the order right after the predicate.
                stages = [*first, *order, *rest, {"$limit": most}, *shape]
                hint = _hint(selected)
                return await self._questions.answer(CUSTOMERS, stages, batchSize=most + 1, **hint)
            # Before a look-up it reads 4 MB ahead, most of it for nothing.
            selected = replace(selected, gather=first, refine=rest)
            at_once = _IDS_TO_LOOK_UP
        found: list[dict[str, Any]] = []
        async with aclosing(self._named(selected, order, at_once)) as named:
            async for ids in named:
                limit: Stage = {"$limit": most - len(found)}
                stages = [_one_of(ids), *order, *selected.refine, limit, *shape]
                found += await self._questions.answer(CUSTOMERS, stages, batchSize=most + 1)
                if len(found) >= most:
                    break
        return found

    async def _named(
        self, selected: Pipeline, order: list[Stage], at_once: int
    ) -> AsyncGenerator[list[ObjectId], None]:
        """The ids that are gathered, in the order, so many at once."""
        stages = [*selected.gather, *order, {"$project": {"_id": 1}}]
        hint = _hint(selected) if selected.collection == CUSTOMERS else {}
        asked = self._questions.stream(selected.collection, stages, batchSize=at_once, **hint)
        ids: list[ObjectId] = []
        async with aclosing(asked) as documents:
            async for document in documents:
                ids.append(document["_id"])
                if len(ids) == at_once:
                    yield ids
                    ids = []
        if ids:
            yield ids


def _hint(selected: Pipeline) -> dict[str, Any]:
    """What holds MongoDB to the way from customer to customer."""
    hint = _HINTS.get(selected.way)
    return {"hint": hint} if hint else {}


def _one_of(ids: list[ObjectId]) -> Stage:
    return {"$match": {"_id": {"$in": ids}}}
