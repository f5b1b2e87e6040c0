"""Searches customers by the beginnings of words, and adds what search needs to documents."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from app.domain.ids import EntityKind
from app.domain.search import (
    PREFIX_LETTERS,
    SEARCHABLE_FIELDS,
    Search,
    search_fields,
    whole_token,
)
from app.filters.case_folding import literal_regex
from app.filters.operators import Query
from app.filters.sources import CUSTOMERS_COLLECTION
from app.filters.substring_index import NGRAMS_FIELD
from app.store.collections import (
    DOCUMENT_VALIDATION_FAILURE,
    SEARCH_TOKENS_INDEX,
    SEARCH_WORDS_INDEX,
    Database,
)
from app.store.ids import to_object_id, to_public_id
from app.store.query_budget import QueryBudget, Stage

# Up to this number of candidates, their ids are read first.
MAX_CANDIDATE_IDS = 500
# Customers are counted by the index alone: first few, and many only if all terms are frequent.
_COUNT_LIMITS = (5_000, 200_000)
# Of a search with many terms, only the longest serve to find candidates.
_MAX_PLANNED_TERMS = 3
_ID_INDEX = {"_id": 1}


@dataclass(frozen=True)
class SearchPlan:
    """How a page of the customers that a search finds is read, in the order of their ids.

    `query` selects exactly these customers. `hint` is the index to read; it suits any further
    condition if `is_selective`, that is if few customers are read.
    """

    query: Query
    hint: dict[str, Any]
    is_selective: bool = False


class CustomerSearch:
    """Plans searches, and completes documents that search does not find yet."""

    def __init__(self, database: Database, query_budget: QueryBudget) -> None:
        self._collection = database.customers
        self._query_budget = query_budget

    async def plan_page(self, search: Search) -> SearchPlan:
        """Returns a plan that reads at most MAX_CANDIDATE_IDS customers if one of the terms is
        rare. Otherwise it reads the customers with the first three letters of the rarest term in
        the order of their ids, until the page is full."""
        query = search_query(search)
        if not search.can_match:
            return SearchPlan(query, _ID_INDEX, is_selective=True)
        candidate_ids = await self._candidate_ids(search)
        if candidate_ids is not None:
            return SearchPlan(
                {"_id": {"$in": candidate_ids}, **query}, _ID_INDEX, is_selective=True
            )
        # Without repetition: the customers of each are counted.
        prefixes = list(
            dict.fromkeys(
                term[:PREFIX_LETTERS]
                for term in search.terms[:_MAX_PLANNED_TERMS]
                if len(term) >= PREFIX_LETTERS
            )
        )
        if not prefixes:
            return SearchPlan(query, _ID_INDEX)
        # MongoDB would try all terms at the same time, which takes several times as long.
        prefix = prefixes[0] if len(prefixes) == 1 else await self._rarest_token(prefixes)
        condition = {"searchTokens": {"$in": [prefix, *search.whole_tokens]}}
        return SearchPlan({"$and": [condition, query]}, SEARCH_TOKENS_INDEX)

    async def _rarest_token(self, tokens: Sequence[str]) -> str:
        """Returns the token that the fewest customers have, the first of those that more than the
        last of the _COUNT_LIMITS have."""
        counts: list[int] = []
        for limit in _COUNT_LIMITS:
            counts = await asyncio.gather(
                *(
                    self._query_budget.count(
                        CUSTOMERS_COLLECTION,
                        {"searchTokens": token},
                        limit=limit,
                        hint=SEARCH_TOKENS_INDEX,
                    )
                    for token in tokens
                )
            )
            if min(counts) < limit:
                break
        return tokens[counts.index(min(counts))]

    async def _candidate_ids(self, search: Search) -> list[Any] | None:
        """Returns the ids of the customers that may match; None if there are more than
        MAX_CANDIDATE_IDS for each term."""
        by_whole_text = await self._find_ids(
            {"searchTokens": {"$in": search.whole_tokens}}, SEARCH_TOKENS_INDEX
        )
        for term in search.terms[:_MAX_PLANNED_TERMS]:
            by_word = await self._find_ids(_begins_word(term), SEARCH_WORDS_INDEX)
            ids = {*by_whole_text, *by_word}
            if len(ids) <= MAX_CANDIDATE_IDS:
                return sorted(ids)
        return None

    async def _find_ids(self, query: Query, hint: dict[str, Any]) -> list[Any]:
        """Returns one id more than MAX_CANDIDATE_IDS if there are more. The index covers it."""
        stages: list[Stage] = [
            {"$match": query},
            {"$limit": MAX_CANDIDATE_IDS + 1},
            {"$project": {"_id": 1}},
        ]
        documents = await self._query_budget.aggregate(
            CUSTOMERS_COLLECTION, stages, hint=hint, batchSize=MAX_CANDIDATE_IDS + 2
        )
        return [document["_id"] for document in documents]

    async def backfill(self, after_id: str | None, limit: int) -> tuple[str | None, int]:
        """Adds the search fields to at most `limit` customers without them, in the order of their
        ids after `after_id`: those of an earlier version of this program, and those that other
        programs wrote.

        Nothing else changes, not even the version. Returns the last id, None if there was no more
        customer, and how many customers were completed.
        """
        return await self._backfill("searchTokens", after_id, limit, SEARCH_TOKENS_INDEX)

    async def backfill_ngrams(self, after_id: str | None, limit: int) -> tuple[str | None, int]:
        """Like `backfill`, for customers without n-grams."""
        # If many customers have none, MongoDB scans them by id, else it finds and sorts them.
        return await self._backfill(NGRAMS_FIELD, after_id, limit)

    async def _backfill(
        self,
        missing_field: str,
        after_id: str | None,
        limit: int,
        hint: dict[str, Any] | None = None,
    ) -> tuple[str | None, int]:
        query: Query = {missing_field: None}
        if after_id is not None:
            query["_id"] = {"$gt": to_object_id(EntityKind.CUSTOMER, after_id)}
        cursor = (
            self._collection.find(query, dict.fromkeys(SEARCHABLE_FIELDS, 1))
            .hint(list(hint.items()) if hint else None)
            .sort([("_id", 1)])
            .limit(limit)
        )
        documents = await cursor.to_list(None)
        if not documents:
            return None, 0
        last_id = to_public_id(EntityKind.CUSTOMER, documents[-1]["_id"])
        return last_id, await self._add_search_fields(documents, missing_field)

    async def _add_search_fields(self, documents: list[dict[str, Any]], missing_field: str) -> int:
        writes = [
            UpdateOne(
                # Another write of these fields has added the search fields, too, or the next run
                # does.
                {
                    "_id": document["_id"],
                    missing_field: None,
                    **{key: {"$eq": document.get(key)} for key in SEARCHABLE_FIELDS},
                },
                {"$set": search_fields(document)},
            )
            for document in documents
        ]
        try:
            return int((await self._collection.bulk_write(writes, ordered=False)).modified_count)
        except BulkWriteError as error:
            if any(
                write_error["code"] != DOCUMENT_VALIDATION_FAILURE
                for write_error in error.details["writeErrors"]
            ):
                raise
            # A document that violates the validator can't be updated, so it is not found.
            return int(error.details["nModified"])


def search_query(search: Search) -> Query:
    """Returns the predicate of the customers that a search finds."""
    if not search.can_match:
        return {"_id": {"$in": []}}
    terms = [
        {"$or": [{"searchTokens": whole_token(term)}, _begins_word(term)]} for term in search.terms
    ]
    if search.terms == (search.whole_text,):
        return terms[0]
    return {"$or": [{"searchTokens": whole_token(search.whole_text)}, {"$and": terms}]}


def _begins_word(term: str) -> Query:
    """The predicate of a word that begins with the term. Unlike a range, a pattern of this form
    has exact bounds also in an index on an array, so that MongoDB need not read the document."""
    return {"searchWords": {"$regex": f"^{literal_regex(term, ignore_case=False)}"}}
