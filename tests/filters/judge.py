"""One question put to both engines: a real mongod and this process."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from bson import CodecOptions
from pymongo import MongoClient
from pymongo.database import Database

from app.filters import Facts, Filter, Now, Pipeline, holds, pipeline
from app.filters.measuring import rows_ahead
from app.filters.pipeline import measures

Document = dict[str, Any]
ROWS = ("events", "orders")


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
        looked_up, grouped = (self._found(pipeline(filter_, now, few=few)) for few in (True, False))
        assert looked_up == grouped, "the ways of the pipeline disagree"
        return looked_up

    def _found(self, selected: Pipeline) -> set[Any]:
        stages = [*selected.narrow, *selected.restore]
        found = list(self._database.customers.aggregate(stages))
        for document in found:
            assert document.keys() == self.customers[document["_id"]].document.keys()
        return {document["_id"] for document in found}

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
