"""Evaluates one customer against segments, at the present instant."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from app.domain.customers import Customer, TrackedCustomer, to_stored_fields
from app.domain.inputs import CustomerOverrides, CustomerRef, parse_input
from app.domain.metadata import to_json
from app.domain.segments import Segment
from app.errors import InputError, Problem, UserErrorCode, input_error
from app.filters import CustomerFacts, Evaluation, Filter, Now, explain, find_next_change
from app.filters.event_history import HistoryLayout
from app.filters.sources import STATIC_MEMBERS_COLLECTION
from app.filters.tree import Measure
from app.services.customer_history import CustomerHistory, load_long_history
from app.services.definitions import Definitions
from app.services.definitions_reader import DefinitionsReader
from app.store import Store
from app.store.history_query import HistoryPlan

Subject = TypeVar("Subject")

# A customer with more rows is evaluated with a history: see customer_history.py.
_MAX_ROWS_WITHOUT_HISTORY = 1_000


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether a customer is a member of a segment, with the evaluation behind the answer."""

    segment: Segment
    is_member: bool
    _tree: Filter
    _evaluation: Evaluation

    def explanation(self) -> Any:
        """For each condition: what it requires, what the customer has, and whether it holds."""
        return to_json(explain(self._tree, self._evaluation))

    def next_change_at(self) -> datetime | None:
        """The next instant at which time alone changes the membership; None if it never does."""
        return find_next_change(self._tree, self._evaluation.facts, self._evaluation.now)


class Memberships:
    """Answers membership queries about one customer."""

    def __init__(self, store: Store, definitions: DefinitionsReader) -> None:
        self._store = store
        self._definitions = definitions

    async def evaluate(
        self,
        customer_ref: CustomerRef,
        segment_ids: Sequence[str] | None,
        overrides: object,
        now: Now,
    ) -> list[Membership]:
        """Returns a membership for each of the segments; `segment_ids` None stands for all.

        `overrides` replace fields of the stored profile. A customer with an unknown sourceId is
        evaluated by the overrides alone. Raises InputError for an unknown customer id, unknown
        segments or invalid overrides.
        """
        definitions, segments, evaluation = await self.load_evaluation(
            customer_ref,
            overrides,
            now,
            lambda definitions: definitions.collect_measures(segment_ids),
            lambda definitions: _requested_segments(definitions, segment_ids),
        )
        return await _evaluate_segments(segments, definitions, evaluation)

    async def load_evaluation(
        self,
        customer_ref: CustomerRef,
        overrides: object,
        now: Now,
        collect_measures: Callable[[Definitions], Awaitable[Sequence[Measure]]],
        find_subject: Callable[[Definitions], Subject],
    ) -> tuple[Definitions, Subject, Evaluation]:
        """Loads what an evaluation of one customer needs, in one round trip if the cached
        definitions are current.

        `collect_measures` returns the measures that the evaluation needs. `find_subject` returns
        what to evaluate, and raises InputError if it does not exist. Raises InputError for an
        unknown customer id or invalid overrides, too.
        """
        cached_definitions = self._definitions.cached
        required_measures: Sequence[Measure] = (
            await collect_measures(cached_definitions) if cached_definitions else []
        )
        revision, customer, rows = await self._store.customer_facts.read(
            customer_ref, required_measures, now
        )
        definitions = await self._definitions.at_least(revision)
        if customer is None and customer_ref.id is not None:
            raise input_error(UserErrorCode.NOT_FOUND, "No customer has this id.", "customer", "id")
        subject = find_subject(definitions)
        document = _document_with_overrides(customer_ref, customer, overrides, definitions)
        if definitions is not cached_definitions:
            measures = await collect_measures(definitions)
            if measures != required_measures:
                required_measures, rows = measures, None
        if rows is None:
            facts = await self._load_facts(customer, document, required_measures, now)
        else:
            facts = CustomerFacts(document, rows)
        return definitions, subject, Evaluation(facts, now)

    async def segments_of(self, customer: Customer, now: Now) -> list[Segment]:
        """Returns the segments that the customer is a member of, in the order of their ids."""
        definitions = await self._definitions.latest()
        measures = await definitions.collect_measures(None)
        facts = await self._load_facts(customer, customer.document, measures, now)
        evaluation = Evaluation(facts, now)
        memberships = await _evaluate_segments(
            list(definitions.segments.values()), definitions, evaluation
        )
        return [membership.segment for membership in memberships if membership.is_member]

    async def _load_facts(
        self,
        customer: Customer | None,
        document: Mapping[str, Any],
        measures: Sequence[Measure],
        now: Now,
    ) -> CustomerFacts:
        """Loads the rows that the measures need: as a list if the customer has few of them, as a
        history if there are many. `document` replaces the customer's own."""
        if customer is None or not measures:
            return CustomerFacts(document)
        query = HistoryPlan(measures).query_since(now.at)
        layout = HistoryLayout(measures, now.calendar)
        if (
            layout.scanned_kinds
            or query.estimate_rows(customer.document) <= _MAX_ROWS_WITHOUT_HISTORY
        ):
            rows_by_customer = await self._store.customer_facts.read_rows(
                [customer.id], measures, now
            )
            return CustomerFacts(document, rows_by_customer[customer.id])
        version = int(customer.document["version"])
        history = CustomerHistory([layout], version, version, query.earliest_needed_at)
        await load_long_history(history, customer.id, self._store, query, now.at)
        lists = await self._store.customer_history.read_static_memberships([customer.id], query)
        return CustomerFacts(
            document,
            {STATIC_MEMBERS_COLLECTION: lists.get(customer.id, ())},
            history.advance_to(version),
        )


async def _evaluate_segments(
    segments: Sequence[Segment], definitions: Definitions, evaluation: Evaluation
) -> list[Membership]:
    memberships = []
    await definitions.parse_segments([segment.id for segment in segments])
    for segment in segments:
        await definitions.time_slice.yield_when_spent()
        tree = definitions.filter_tree(segment)
        memberships.append(Membership(segment, evaluation.holds(tree), tree, evaluation))
    return memberships


def _requested_segments(
    definitions: Definitions, segment_ids: Sequence[str] | None
) -> list[Segment]:
    if segment_ids is None:
        return list(definitions.segments.values())
    problems = [
        Problem(UserErrorCode.NOT_FOUND, "There is no such segment.", ("segmentIds", str(index)))
        for index, id_ in enumerate(segment_ids)
        if id_ not in definitions.segments
    ]
    if problems:
        raise InputError(problems)
    return [definitions.segments[id_] for id_ in segment_ids]


def _document_with_overrides(
    customer_ref: CustomerRef, customer: Customer | None, wire: object, definitions: Definitions
) -> dict[str, Any]:
    """Returns the stored profile with the overrides applied. Nothing is written."""
    if wire is None:
        return dict(customer.document) if customer else {"sourceId": customer_ref.source_id}
    overrides = parse_input(CustomerOverrides, wire, "overrides")
    tracked_customer = (
        TrackedCustomer(customer.id, customer.document, customer.source_id)
        if customer
        else TrackedCustomer("", None, customer_ref.source_id or "")
    )
    stored_source_id = tracked_customer.document["sourceId"]
    if "source_id" in overrides.model_fields_set and overrides.source_id != stored_source_id:
        raise input_error(
            UserErrorCode.INVALID, "A sourceId can't change.", "overrides", "sourceId"
        )
    profile_changes, activity_changes = to_stored_fields(overrides), overrides.activity_fields()
    if overrides.metadata is not None:
        profile_changes["metadata"], problems = definitions.metadata_schema.encode(
            overrides.metadata, "overrides", "metadata"
        )
        if problems:
            raise InputError(problems)
    tracked_customer.merge(
        {key: value for key, value in profile_changes.items() if key not in activity_changes}
    )
    tracked_customer.override_activity(activity_changes)
    return tracked_customer.document
