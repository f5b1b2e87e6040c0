"""One question put to both engines: a real mongod and this process."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

from bson import CodecOptions
from pymongo import MongoClient
from pymongo.database import Database

from app.filters import Facts, Filter, Now, Pipeline, holds, ways
from app.filters.measuring import rows_ahead
from app.filters.walk import measures

Document = dict[str, Any]
ROWS = ("events", "orders", "members")


class Judge:
    """Customers with their events and orders, known to both engines as MongoDB gives them back."""

    def __init__(
        self, database: Database[Document], corpus: Mapping[str, Sequence[Document]]
    ) -> None:
        self._database = database
        for name, documents in corpus.items():
            database[name].insert_many(documents)
        rows: dict[int, dict[str, list[Document]]] = defaultdict(lambda: defaultdict(list))
        for name in ROWS:
            database[name].create_index("customerId")
            for row in database[name].find():
                rows[row["customerId"]][name].append(row)
        self.customers = {
            document["_id"]: Facts(document, rows[document["_id"]])
            for document in database.customers.find()
        }

    def selected(self, filter_: Filter, now: Now) -> set[Any]:
        """Whom the population's engine finds, in each of its ways."""
        found: list[Pipeline] = []
        for way in ways(filter_, now):
            # Two ways may ask the same.
            if all(replace(way, way=other.way) != other for other in found):
                found.append(way)
        first, *others = map(self._found, found)
        assert all(first == other for other in others), "the ways of the pipeline disagree"
        return first

    def _found(self, way: Pipeline) -> set[Any]:
        found: list[Document] = []
        for part in (way, way.also):
            if part is not None:
                found += self._part(part)
        assert len({document["_id"] for document in found}) == len(found)
        for document in found:
            assert document.keys() == self.customers[document["_id"]].document.keys()
        return {document["_id"] for document in found}

    def _part(self, part: Pipeline) -> list[Document]:
        customers = self._database.customers
        if not part.gather:
            return list(customers.aggregate(part.refine))
        named = [row["_id"] for row in self._database[part.collection].aggregate(part.gather)]
        assert len(set(named)) == len(named)
        found = list(customers.aggregate([{"$match": {"_id": {"$in": named}}}, *part.refine]))
        assert part.join or len(found) == len(named)
        return found

    def ahead(self, filter_: Filter, now: Now) -> dict[Any, Facts]:
        """The customers with no other events and orders than are read for the filter."""
        rows: dict[Any, dict[str, list[Document]]] = defaultdict(lambda: defaultdict(list))
        for measure in measures(filter_):
            name = measure.source.collection
            for row in self._database[name].find(rows_ahead(measure, now)):
                rows[row["customerId"]][name].append(row)
        return {id_: Facts(f.document, rows[id_]) for id_, f in self.customers.items()}

    def held(self, filter_: Filter, now: Now) -> set[Any]:
        """Of whom the person's engine says that it holds."""
        return {id_ for id_, facts in self.customers.items() if holds(filter_, facts, now)}


@contextmanager
def judging(
    client: MongoClient[Document], corpus: Mapping[str, Sequence[Document]]
) -> Iterator[Judge]:
    """A judge with a database of its own."""
    name = f"filters_{uuid4().hex}"
    yield Judge(client.get_database(name, CodecOptions(tz_aware=True)), corpus)
    client.drop_database(name)
