"""A client of the loyalty API. It appends transitions to the log in place of the engine."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from app.domain.transitions import PendingTransition, TransitionCause, TransitionType
from tests.api import ALL_CUSTOMERS_FILTER, Api, Json

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)

_USER_ERRORS = "userErrors { code path message }"
_CREATE_SEGMENT = (
    "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input)"
    f" {{ segment {{ id }} {_USER_ERRORS} }} }}"
)
CREATE_PROGRAM = (
    "mutation($input: LoyaltyProgramInput!) { loyaltyProgramCreate(input: $input)"
    f" {{ program {{ id name earningRules {{ id }} }} {_USER_ERRORS} }} }}"
)
CREATE_RULE = (
    "mutation($input: EarningRuleInput!) { earningRuleCreate(input: $input) { earningRule { id name"
    " enabled activeFrom activeUntil maxPerCustomer program { name } segment { name kind }"
    f" points {{ fixed proportional {{ path every points }} }} }} {_USER_ERRORS} }} }}"
)
SET_ENABLED = (
    "mutation($id: ID!, $enabled: Boolean!) { earningRuleSetEnabled(id: $id, enabled: $enabled)"
    f" {{ earningRule {{ id enabled }} {_USER_ERRORS} }} }}"
)
ADJUST_POINTS = (
    "mutation($input: PointsAdjustInput!) { pointsAdjust(input: $input) { entry { id points balance"
    f" at reason program {{ id }} rule {{ id }} transition {{ id }} }} {_USER_ERRORS} }} }}"
)
DELETE_PROGRAM = (
    "mutation($id: ID!) { loyaltyProgramDelete(id: $id)"
    f" {{ program {{ id name }} {_USER_ERRORS} }} }}"
)
DELETE_RULE = (
    "mutation($id: ID!) { earningRuleDelete(id: $id) { earningRule { id enabled program { name }"
    f" segment {{ name }} }} {_USER_ERRORS} }} }}"
)
_LEDGER_FIELDS = (
    "loyalty { points ledger(first: 100) { nodes { id points balance at reason program { id name }"
    " rule { id name } transition { sequence } } } }"
)

TRANSITIONS_QUERY = (
    "query($first: Int, $after: String, $ids: [ID!], $who: CustomerRef) { segmentTransitions("
    "first: $first, after: $after, segmentIds: $ids, customer: $who) { edges { cursor }"
    " nodes { id sequence cursor type cause at segmentId segmentName customerSourceId"
    " segment { id kind } customer { sourceId } } pageInfo { hasNextPage endCursor } } }"
)
CURSOR_QUERY = "{ transitionsCursor }"
_MEMBERS_QUERY = (
    "query($id: ID!) { segment(id: $id) { members(first: 100)"
    " { edges { enteredAt node { sourceId } } } } }"
)


class LoyaltyClient:
    """Calls the loyalty API, and appends transitions to the log as the engine does."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._segment_names: dict[str, str] = {}

    async def create_segment(self, name: str, **definition: Any) -> str:
        definition = definition or {"filter": ALL_CUSTOMERS_FILTER}
        payload = await self.api.fetch(
            _CREATE_SEGMENT, input={"name": name, "definition": definition}
        )
        assert not payload["userErrors"], payload
        id_ = str(payload["segment"]["id"])
        self._segment_names[id_] = name
        return id_

    async def create_program(self, name: str) -> str:
        payload = await self.api.fetch(CREATE_PROGRAM, input={"name": name})
        assert not payload["userErrors"], payload
        return str(payload["program"]["id"])

    async def create_rule(self, program: str, segment: str, points: Any = 10, **fields: Any) -> str:
        payload = await self.api.fetch(
            CREATE_RULE, input=earning_rule_input(program, segment, points, **fields)
        )
        assert not payload["userErrors"], payload
        return str(payload["earningRule"]["id"])

    async def delete_rule(self, id_: str) -> None:
        payload = await self.api.fetch(DELETE_RULE, id=id_)
        assert not payload["userErrors"], payload

    async def set_enabled(self, id_: str, enabled: bool) -> None:
        payload = await self.api.fetch(SET_ENABLED, id=id_, enabled=enabled)
        assert not payload["userErrors"], payload

    async def adjust_points(
        self, source_id: str, program: str, points: int, reason: str = "refund", **fields: Any
    ) -> Json:
        """Adjusts points; returns the ledger entry."""
        payload = await self.api.fetch(
            ADJUST_POINTS, input=adjustment_input(source_id, program, points, reason, **fields)
        )
        assert not payload["userErrors"], payload
        return dict(payload["entry"])

    async def append_entered(self, segment: str, *source_ids: str, at: datetime = NOW) -> None:
        await self.append_transitions(
            [self.pending_transition(segment, source_id, "ENTERED", at) for source_id in source_ids]
        )

    async def append_left(self, segment: str, *source_ids: str, at: datetime = NOW) -> None:
        await self.append_transitions(
            [self.pending_transition(segment, source_id, "LEFT", at) for source_id in source_ids]
        )

    def pending_transition(
        self, segment: str, source_id: str, type_: str, at: datetime = NOW
    ) -> PendingTransition:
        return PendingTransition(
            TransitionType(type_),
            TransitionCause.LIVE,
            segment,
            self._segment_names.get(segment, "a segment"),
            f"cus_{self.api.read_customer_document(source_id)['_id']}",
            source_id,
            at,
        )

    async def append_transitions(self, pending_transitions: Sequence[PendingTransition]) -> None:
        store = self.api.services.store

        async def append_in_transaction(transaction: Any) -> None:
            await store.transitions.append(pending_transitions, transaction)

        await store.transaction(append_in_transaction)

    async def run_consumers(self) -> None:
        """Runs the consumers until they have processed the whole log."""
        await self.api.services.consumers.drain()

    async def fetch_entered_at(self, segment: str) -> dict[str, str | None]:
        """Returns `enteredAt` of the members, by their sourceIds."""
        edges = (await self.api.fetch(_MEMBERS_QUERY, id=segment))["members"]["edges"]
        return {edge["node"]["sourceId"]: edge["enteredAt"] for edge in edges}

    async def fetch_points(self, source_id: str) -> int:
        return int((await self.fetch_loyalty(source_id))["points"])

    async def fetch_ledger(self, source_id: str) -> list[Json]:
        """Returns the entries of the customer's ledger, the newest first."""
        return list((await self.fetch_loyalty(source_id))["ledger"]["nodes"])

    async def fetch_loyalty(self, source_id: str) -> Json:
        return dict((await self.api.fetch_customer(source_id, _LEDGER_FIELDS))["loyalty"])


def adjustment_input(
    source_id: str, program: str, points: int, reason: str = "refund", **fields: Any
) -> Json:
    customer = {"sourceId": source_id}
    return {
        "customer": customer,
        "programId": program,
        "points": points,
        "reason": reason,
        **fields,
    }


def earning_rule_input(program: str, segment: str, points: Any = 10, **fields: Any) -> Json:
    """Returns an EarningRuleInput. An integer means fixed points, (path, every, points)
    proportional."""
    if isinstance(points, tuple):
        path, every, points_per_step = points
        points = {"proportional": {"path": path, "every": every, "points": points_per_step}}
    elif isinstance(points, int):
        points = {"fixed": points}
    name = fields.pop("name", f"rule on {segment}")
    return {"programId": program, "segmentId": segment, "name": name, "points": points, **fields}
