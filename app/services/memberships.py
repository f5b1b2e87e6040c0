"""Who is in what, at this moment: one customer against segments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.customers import Customer, Draft, changes
from app.domain.inputs import CustomerRef, Overrides, read
from app.domain.metadata import to_json
from app.domain.segments import Segment
from app.errors import Code, Problem, Refused, refuse
from app.filters import Evaluation, Facts, Filter, Now, changes_at, explain
from app.filters.event_history import HistoryLayout
from app.filters.sources import LISTS
from app.filters.tree import Measure
from app.services.customer_history import CustomerHistory, load_long
from app.services.definitions import Definitions, DefinitionsReader
from app.store import Store
from app.store.history import HistoryPlan

# Beyond so many rows they are read and evaluated as a history.
_MAX_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether the customer was a member, and when that was asked."""

    segment: Segment
    is_member: bool
    _tree: Filter
    _evaluation: Evaluation

    def explanation(self) -> Any:
        """Condition by condition: what was wanted, what the customer has, whether it holds."""
        return to_json(explain(self._tree, self._evaluation))

    def changes_at(self) -> datetime | None:
        """When the passing of time alone will change it; None where that won't."""
        return changes_at(self._tree, self._evaluation.facts, self._evaluation.now)


class Memberships:
    """The questions of membership."""

    def __init__(self, store: Store, definitions: DefinitionsReader) -> None:
        self._store = store
        self._definitions = definitions

    async def ask(
        self,
        ref: CustomerRef,
        segment_ids: Sequence[str] | None,
        overrides: object,
        now: Now,
    ) -> list[Membership]:
        """For each of the segments (all of them where None) whether the customer is in.

        A sourceId that is not known is judged by the overrides alone.
        """
        kept = self._definitions.kept
        needed = await kept.measures(segment_ids) if kept else []
        revision, customer, rows = await self._store.facts.find(ref, needed, now)
        definitions = await self._definitions.at_least(revision)
        if customer is None and ref.id is not None:
            raise refuse(Code.NOT_FOUND, "No customer has this id.", "customer", "id")
        segments = _chosen(definitions, segment_ids)
        document = _overlaid(ref, customer, overrides, definitions)
        if definitions is not kept:
            measures = await definitions.measures(segment_ids)
            if measures != needed:
                needed, rows = measures, None
        if rows is None:
            facts = await self._facts(customer, document, needed, now)
        else:
            facts = Facts(document, rows)
        return await _judged(segments, definitions, Evaluation(facts, now))

    async def of(self, customer: Customer, now: Now) -> list[Segment]:
        """The segments that the customer is in, in the order of their ids."""
        definitions = await self._definitions.now()
        measures = await definitions.measures(None)
        facts = await self._facts(customer, customer.document, measures, now)
        evaluation = Evaluation(facts, now)
        asked = await _judged(list(definitions.segments.values()), definitions, evaluation)
        return [membership.segment for membership in asked if membership.is_member]

    async def _facts(
        self,
        customer: Customer | None,
        document: Mapping[str, Any],
        measures: Sequence[Measure],
        now: Now,
    ) -> Facts:
        """What the measures are taken of: the rows of a customer who has few, and a history where
        there are many. `document` stands for the customer's own."""
        if customer is None or not measures:
            return Facts(document)
        query = HistoryPlan(measures).since(now.at)
        layout = HistoryLayout(measures, now.calendar)
        if layout.walked or query.rows(customer.document) <= _MAX_ROWS:
            found = await self._store.facts.of([customer.id], measures, now)
            return Facts(document, found[customer.id])
        version = int(customer.document["version"])
        history = CustomerHistory([layout], version, version, query.firsts)
        await load_long(history, customer.id, self._store, query, now.at)
        lists = await self._store.history.lists([customer.id], query)
        return Facts(document, {LISTS: lists.get(customer.id, ())}, history.at(version))


async def _judged(
    segments: Sequence[Segment], definitions: Definitions, evaluation: Evaluation
) -> list[Membership]:
    judged = []
    await definitions.parse_segments([segment.id for segment in segments])
    for segment in segments:
        await definitions.time_slice.turn()
        tree = definitions.tree(segment)
        judged.append(Membership(segment, evaluation.holds(tree), tree, evaluation))
    return judged


def _chosen(definitions: Definitions, ids: Sequence[str] | None) -> list[Segment]:
    if ids is None:
        return list(definitions.segments.values())
    problems = [
        Problem(Code.NOT_FOUND, "There is no such segment.", ("segmentIds", str(index)))
        for index, id_ in enumerate(ids)
        if id_ not in definitions.segments
    ]
    if problems:
        raise Refused(problems)
    return [definitions.segments[id_] for id_ in ids]


def _overlaid(
    ref: CustomerRef, customer: Customer | None, wire: object, definitions: Definitions
) -> dict[str, Any]:
    """The stored profile with the overrides laid over it, for this one question."""
    if wire is None:
        return dict(customer.document) if customer else {"sourceId": ref.source_id}
    overrides = read(Overrides, wire, "overrides")
    draft = (
        Draft(customer.id, customer.document, customer.source_id)
        if customer
        else Draft("", None, ref.source_id or "")
    )
    known_as = draft.document["sourceId"]
    if "source_id" in overrides.model_fields_set and overrides.source_id != known_as:
        raise refuse(Code.INVALID, "A sourceId can't change.", "overrides", "sourceId")
    sent, activity = changes(overrides), overrides.activity()
    if overrides.metadata is not None:
        sent["metadata"], problems = definitions.metadata.take(
            overrides.metadata, "overrides", "metadata"
        )
        if problems:
            raise Refused(problems)
    draft.merge({key: value for key, value in sent.items() if key not in activity})
    draft.lay_over(activity)
    return draft.document
