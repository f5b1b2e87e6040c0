"""Evaluates one customer against segments, at the present instant."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from app.domain.customers import Customer, TrackedCustomer, to_stored_fields
from app.domain.inputs import CustomerOverrides, CustomerRef, parse_input
from app.domain.metadata import to_json
from app.domain.segments import Segment
from app.errors import InputError, Problem, UserErrorCode, input_error
from app.filters import CustomerFacts, Evaluation, Filter, Now, explain, find_next_change
from app.filters.tree import Measure
from app.services.definitions import Definitions
from app.services.definitions_reader import DefinitionsReader
from app.services.evaluation import evaluate, has_much_data
from app.services.facts_loader import EvaluatedCustomer, FactsLoader
from app.store import Store
from app.worker_threads import run_in_thread

Subject = TypeVar("Subject")

MAX_SEGMENT_IDS = 1_000
_MAX_OVERRIDES = 1_000


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a filter holds for a customer, with the evaluation behind the answer."""

    holds: bool
    _tree: Filter
    _evaluation: Evaluation

    @property
    def evaluated_at(self) -> datetime:
        return self._evaluation.now.at

    async def explanation(self) -> Any:
        """For each condition: what it requires, what the customer has, and whether it holds."""
        return await evaluate(
            self._evaluation.facts, lambda: explain(self._tree, self._evaluation, to_json)
        )

    async def next_change_at(self) -> datetime | None:
        """The next instant at which time alone changes the answer; None if it never does."""
        # The search may go through years of events.
        return await run_in_thread(
            find_next_change, self._tree, self._evaluation.facts, self._evaluation.now
        )


@dataclass(frozen=True, slots=True)
class Membership(Judgement):
    """The judgement of a customer by the filter of a segment."""

    segment: Segment

    @property
    def is_member(self) -> bool:
        return self.holds


class Memberships:
    """Answers membership queries about one customer."""

    def __init__(self, store: Store, definitions: DefinitionsReader) -> None:
        self._store = store
        self._definitions = definitions
        self._facts_loader = FactsLoader(store)

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
        segments, too many of them, or invalid overrides.
        """
        if segment_ids is not None and len(segment_ids) > MAX_SEGMENT_IDS:
            message = f"One call takes at most {MAX_SEGMENT_IDS:,} ids; send several calls."
            raise input_error(UserErrorCode.TOO_MANY, message, "segmentIds")
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
            # Only a stored customer has rows.
            facts = (
                await self._facts_loader.load(
                    EvaluatedCustomer(customer, document), required_measures, now
                )
                if customer
                else CustomerFacts(document)
            )
        else:
            facts = CustomerFacts(document, rows)
        return definitions, subject, Evaluation(facts, now)

    async def segments_of(self, customers: Sequence[Customer], now: Now) -> list[list[Segment]]:
        """Returns, for each customer, the segments that it is a member of, in the order of their
        ids."""
        definitions = await self._definitions.latest()
        measures = await definitions.collect_measures(None)
        segments = list(definitions.segments.values())
        subjects = [EvaluatedCustomer(customer, customer.document) for customer in customers]
        segments_by_customer = []
        async with aclosing(self._facts_loader.load_all(subjects, measures, now)) as all_facts:
            async for facts in all_facts:
                memberships = await _evaluate_segments(
                    segments, definitions, Evaluation(facts, now)
                )
                segments_by_customer.append(
                    [membership.segment for membership in memberships if membership.is_member]
                )
        return segments_by_customer


async def _evaluate_segments(
    segments: Sequence[Segment], definitions: Definitions, evaluation: Evaluation
) -> list[Membership]:
    await definitions.parse_segments([segment.id for segment in segments])
    # Once for all segments: it takes about as long as to evaluate a filter.
    uses_thread = has_much_data(evaluation.facts)
    memberships: dict[str, Membership] = {}
    for segment in segments:
        if segment.id not in memberships:
            await definitions.time_slice.yield_when_spent()
            tree = definitions.filter_tree(segment)
            holds = (
                await run_in_thread(evaluation.holds, tree)
                if uses_thread
                else evaluation.holds(tree)
            )
            memberships[segment.id] = Membership(holds, tree, evaluation, segment)
    return [memberships[segment.id] for segment in segments]


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
    customer_ref: CustomerRef,
    customer: Customer | None,
    sent_overrides: object,
    definitions: Definitions,
) -> dict[str, Any]:
    """Returns the stored profile with the overrides applied. Nothing is written."""
    if sent_overrides is None:
        return dict(customer.document) if customer else {"sourceId": customer_ref.source_id}
    _require_few_overrides(sent_overrides)
    overrides = parse_input(CustomerOverrides, sent_overrides, "overrides")
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


def _require_few_overrides(sent_overrides: object) -> None:
    """Raises TOO_MANY before each of thousands of unknown fields becomes an error."""
    if not isinstance(sent_overrides, dict):
        return
    for path, value in ((), sent_overrides), (("events",), sent_overrides.get("events")):
        if isinstance(value, dict) and len(value) > _MAX_OVERRIDES:
            message = f"An object of the overrides has at most {_MAX_OVERRIDES:,} keys."
            raise input_error(UserErrorCode.TOO_MANY, message, "overrides", *path)
