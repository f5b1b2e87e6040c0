"""Runs a filter as aggregation pipelines on mongod, and in the in-process evaluator."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

from bson import CodecOptions
from pymongo import MongoClient
from pymongo.database import Database

from app.filters import CustomerFacts, Filter, Now, Pipeline, holds, plans
from app.filters.measure_stages import candidate_rows_predicate
from app.filters.walk import measures

Document = dict[str, Any]
ROW_COLLECTIONS = ("events", "orders", "members")


class DualEvaluator:
    """Customers with their events and orders, in MongoDB and in this process."""

    def __init__(
        self, database: Database[Document], corpus: Mapping[str, Sequence[Document]]
    ) -> None:
        self._database = database
        for name, documents in corpus.items():
            database[name].insert_many(documents)
        rows: dict[int, dict[str, list[Document]]] = defaultdict(lambda: defaultdict(list))
        for name in ROW_COLLECTIONS:
            database[name].create_index("customerId")
            for row in database[name].find():
                rows[row["customerId"]][name].append(row)
        self.customers = {
            document["_id"]: CustomerFacts(document, rows[document["_id"]])
            for document in database.customers.find()
        }

    def select_by_pipeline(self, filter_: Filter, now: Now) -> set[Any]:
        """Returns the ids of the members by the pipeline. Asserts that all plans agree, also about
        the members in a range of ids."""
        distinct_plans: list[Pipeline] = []
        for plan in plans(filter_, now):
            # Plans may have equal stages.
            if all(replace(plan, plan=other.plan) != other for other in distinct_plans):
                distinct_plans.append(plan)
        first, *others = map(self.run_plan, distinct_plans)
        assert all(first == other for other in others), "the plans disagree"
        self._check_plans_in_id_range(filter_, now, first)
        return first

    def _check_plans_in_id_range(self, filter_: Filter, now: Now, members: set[Any]) -> None:
        ids = sorted(self.customers)
        first, last = ids[len(ids) // 3], ids[2 * len(ids) // 3]
        expected = {id_ for id_ in members if first < id_ <= last}
        for plan in plans(filter_, now, id_range={"$gt": first, "$lte": last}):
            # The others differ from their plan without a range only by one more predicate.
            if plan.candidate_stages or plan.supplement:
                assert self.run_plan(plan) == expected, f"{plan.plan} ignores the range"

    def find_customers(self, query: Document) -> set[Any]:
        """Returns the ids of the customers whose document matches a query."""
        return {document["_id"] for document in self._database.customers.find(query, {"_id": 1})}

    def run_plan(self, plan: Pipeline) -> set[Any]:
        """Returns the ids of the members by one plan."""
        documents: list[Document] = []
        for part in (plan, plan.supplement):
            if part is not None:
                documents += self._run_plan_part(part)
        assert len({document["_id"] for document in documents}) == len(documents)
        for document in documents:
            assert document.keys() == self.customers[document["_id"]].document.keys()
        return {document["_id"] for document in documents}

    def _run_plan_part(self, stage_group: Pipeline) -> list[Document]:
        customers = self._database.customers
        if not stage_group.candidate_stages:
            return list(customers.aggregate(stage_group.filter_stages))
        customer_ids = [
            row["_id"]
            for row in self._database[stage_group.collection].aggregate(
                stage_group.candidate_stages
            )
        ]
        assert len(set(customer_ids)) == len(customer_ids)
        documents = list(
            customers.aggregate(
                [{"$match": {"_id": {"$in": customer_ids}}}, *stage_group.filter_stages]
            )
        )
        assert stage_group.joins_customers or len(documents) == len(customer_ids)
        return documents

    def customers_with_read_rows(self, filter_: Filter, now: Now) -> dict[Any, CustomerFacts]:
        """Returns the customers with only the events and orders that the program reads for the
        filter."""
        rows: dict[Any, dict[str, list[Document]]] = defaultdict(lambda: defaultdict(list))
        for measure in measures(filter_):
            name = measure.source.collection
            for row in self._database[name].find(candidate_rows_predicate(measure, now)):
                rows[row["customerId"]][name].append(row)
        return {
            id_: CustomerFacts(facts.document, rows[id_]) for id_, facts in self.customers.items()
        }

    def select_by_evaluator(self, filter_: Filter, now: Now) -> set[Any]:
        """Returns the ids of the members by the in-process evaluator."""
        return {id_ for id_, facts in self.customers.items() if holds(filter_, facts, now)}


@contextmanager
def open_dual_evaluator(
    client: MongoClient[Document], corpus: Mapping[str, Sequence[Document]]
) -> Iterator[DualEvaluator]:
    """Yields a DualEvaluator with a database of its own."""
    name = f"filters_{uuid4().hex}"
    yield DualEvaluator(client.get_database(name, CodecOptions(tz_aware=True)), corpus)
    client.drop_database(name)
