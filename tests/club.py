"""A shop with loyalty programs; the tests say themselves who enters and leaves."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from app.domain.transitions import Crossing, TransitionCause, TransitionType
from tests.api import Api, Json

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
EVERYBODY: Json = {"attribute": {"path": "sourceId", "operator": "HAS_VALUE"}}

_ERRORS = "userErrors { code path message }"
_SEGMENT = (
    "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input)"
    f" {{ segment {{ id }} {_ERRORS} }} }}"
)
PROGRAM = (
    "mutation($input: LoyaltyProgramInput!) { loyaltyProgramCreate(input: $input)"
    f" {{ program {{ id name earningRules {{ id }} }} {_ERRORS} }} }}"
)
RULE = (
    "mutation($input: EarningRuleInput!) { earningRuleCreate(input: $input) { earningRule { id name"
    " enabled activeFrom activeUntil maxPerCustomer program { name } segment { name kind }"
    f" points {{ fixed proportional {{ path every points }} }} }} {_ERRORS} }} }}"
)
END_PROGRAM = (
    f"mutation($id: ID!) {{ loyaltyProgramDelete(id: $id) {{ program {{ id name }} {_ERRORS} }} }}"
)
END_RULE = (
    "mutation($id: ID!) { earningRuleDelete(id: $id) { earningRule { id enabled program { name }"
    f" segment {{ name }} }} {_ERRORS} }} }}"
)
_LEDGER = (
    "loyalty { points ledger(first: 100) { nodes { id points balance at program { id name }"
    " rule { id name } transition { sequence } } } }"
)

LOG = (
    "query($first: Int, $after: String, $ids: [ID!], $who: CustomerRef) { segmentTransitions("
    "first: $first, after: $after, segmentIds: $ids, customer: $who) { edges { cursor }"
    " nodes { id sequence cursor type cause at segmentId segmentName customerSourceId"
    " segment { id kind } customer { sourceId } } pageInfo { hasNextPage endCursor } } }"
)
CURSOR = "{ transitionsCursor }"
_MEMBERS = (
    "query($id: ID!) { segment(id: $id) { members(first: 100)"
    " { edges { enteredAt node { sourceId } } } } }"
)


class Club:
    """Asks through the API, and writes the log as the engine would."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._names: dict[str, str] = {}

    async def segment(self, name: str, **definition: Any) -> str:
        definition = definition or {"filter": EVERYBODY}
        payload = await self.api.ask(_SEGMENT, input={"name": name, "definition": definition})
        assert not payload["userErrors"], payload
        id_ = str(payload["segment"]["id"])
        self._names[id_] = name
        return id_

    async def program(self, name: str) -> str:
        payload = await self.api.ask(PROGRAM, input={"name": name})
        assert not payload["userErrors"], payload
        return str(payload["program"]["id"])

    async def rule(self, program: str, segment: str, points: Any = 10, **fields: Any) -> str:
        payload = await self.api.ask(RULE, input=rule(program, segment, points, **fields))
        assert not payload["userErrors"], payload
        return str(payload["earningRule"]["id"])

    async def end_rule(self, id_: str) -> None:
        payload = await self.api.ask(END_RULE, id=id_)
        assert not payload["userErrors"], payload

    async def enters(self, segment: str, *source_ids: str, at: datetime = NOW) -> None:
        await self.append([self.crossing(segment, who, "ENTERED", at) for who in source_ids])

    async def leaves(self, segment: str, *source_ids: str, at: datetime = NOW) -> None:
        await self.append([self.crossing(segment, who, "LEFT", at) for who in source_ids])

    def crossing(self, segment: str, source_id: str, type_: str, at: datetime = NOW) -> Crossing:
        return Crossing(
            TransitionType(type_),
            TransitionCause.LIVE,
            segment,
            self._names.get(segment, "a segment"),
            f"cus_{self.api.stored(source_id)['_id']}",
            source_id,
            at,
        )

    async def append(self, crossings: Sequence[Crossing]) -> None:
        store = self.api.services.store

        async def work(transaction: Any) -> None:
            await store.transitions.append(crossings, transaction)

        await store.transaction(work)

    async def earn(self) -> None:
        """Until nothing of the log is left."""
        await self.api.services.consumers.drain()

    async def entered_at(self, segment: str) -> dict[str, str | None]:
        """What its members say, by their sourceIds."""
        edges = (await self.api.ask(_MEMBERS, id=segment))["members"]["edges"]
        return {edge["node"]["sourceId"]: edge["enteredAt"] for edge in edges}

    async def points(self, source_id: str) -> int:
        return int((await self.loyalty(source_id))["points"])

    async def ledger(self, source_id: str) -> list[Json]:
        """The customer's entries, the newest first."""
        return list((await self.loyalty(source_id))["ledger"]["nodes"])

    async def loyalty(self, source_id: str) -> Json:
        return dict((await self.api.customer(source_id, _LEDGER))["loyalty"])


def rule(program: str, segment: str, points: Any = 10, **fields: Any) -> Json:
    """An EarningRuleInput; a number of points is fixed, (path, every, points) is not."""
    if isinstance(points, tuple):
        path, every, number = points
        points = {"proportional": {"path": path, "every": every, "points": number}}
    elif isinstance(points, int):
        points = {"fixed": points}
    name = fields.pop("name", f"rule on {segment}")
    return {"programId": program, "segmentId": segment, "name": name, "points": points, **fields}
