"""A client of the referral API."""

from typing import Any

from tests.api import Api, Json

_USER_ERRORS = "userErrors { code path message }"
TIER_FIELDS = (
    "id name minReferrals segment { id kind } points program { name } codePool { id usedBy"
    " { id name node { __typename } } }"
)
CREATE_REFERRAL_PROGRAM = (
    "mutation($input: ReferralProgramInput!) { referralProgramCreate(input: $input)"
    f" {{ program {{ id name tiers {{ {TIER_FIELDS} }} }} {_USER_ERRORS} }} }}"
)
DELETE_REFERRAL_PROGRAM = (
    "mutation($id: ID!) { referralProgramDelete(id: $id)"
    f" {{ program {{ id name tiers {{ name segment {{ id }} }} }} {_USER_ERRORS} }} }}"
)
RECORD_REFERRAL = (
    "mutation($program: ID!, $referrer: CustomerRef!, $referee: CustomerRef!) {"
    " referralRecord(programId: $program, referrer: $referrer, referee: $referee)"
    f" {{ referrer {{ sourceId }} referralCount {_USER_ERRORS} }} }}"
)
LIST_REFERRAL_PROGRAMS = "{ referralPrograms { id name tiers { id name } } }"
CREATE_POOL = (
    "mutation($input: CodePoolInput!) { codePoolCreate(input: $input)"
    f" {{ codePool {{ id }} {_USER_ERRORS} }} }}"
)
ADD_CODES = (
    "mutation($id: ID!, $codes: [String!]!) { codePoolAddCodes(id: $id, codes: $codes)"
    f" {{ codePool {{ availableCount }} {_USER_ERRORS} }} }}"
)
DELETE_POOL = (
    f"mutation($id: ID!) {{ codePoolDelete(id: $id) {{ codePool {{ id }} {_USER_ERRORS} }} }}"
)

LIST_RECIPIENTS = (
    "query($code: String!) { codeRecipients(code: $code)"
    " { at customer { sourceId } giver { id } } }"
)


class ReferralClient:
    """Calls the referral API, and reads the stored rewards."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def create_program(self, *tiers: Json, name: str = "Friends") -> Json:
        """Creates a program; returns it."""
        payload = await self.api.fetch(
            CREATE_REFERRAL_PROGRAM, input={"name": name, "tiers": list(tiers)}
        )
        assert not payload["userErrors"], payload
        return dict(payload["program"])

    async def delete_program(self, id_: str) -> None:
        payload = await self.api.fetch(DELETE_REFERRAL_PROGRAM, id=id_)
        assert not payload["userErrors"], payload

    async def create_pool(self, *codes: str) -> str:
        payload = await self.api.fetch(CREATE_POOL, input={"name": "pool", "codes": list(codes)})
        assert not payload["userErrors"], payload
        return str(payload["codePool"]["id"])

    async def record(self, program: str, referrer: str, referee: str) -> int:
        """Records a referral; returns the number of referees of the referrer."""
        payload = await self.api.fetch(
            RECORD_REFERRAL,
            program=program,
            referrer={"sourceId": referrer},
            referee={"sourceId": referee},
        )
        assert not payload["userErrors"], payload
        assert payload["referrer"] == {"sourceId": referrer}
        return int(payload["referralCount"])

    async def run_consumers(self) -> None:
        """Runs the consumers to the end of the log, and the checks that are due."""
        await self.api.services.consumers.drain()

    def read_reward(self, tier: str, source_id: str) -> Json | None:
        """Returns the stored reward of the customer in the tier."""
        customer = self.api.read_customer_document(source_id)["_id"]
        rows = self.api.database.referralRewards.find({"_id.referrer": customer})
        return next((row for row in rows if f"rft_{row['_id']['tier']}" == tier), None)

    def reward_state(self, tier: str, source_id: str) -> str | None:
        reward = self.read_reward(tier, source_id)
        return str(reward["state"]) if reward else None

    def read_points(self, source_id: str) -> int:
        """Returns the customer's points; asserts that they are the sum of the ledger."""
        document = self.api.read_customer_document(source_id)
        points = int((document.get("loyalty") or {}).get("points", 0))
        entries = self.api.database.ledger.find({"customerId": document["_id"]})
        assert sum(entry["points"] for entry in entries) == points
        return points


def tier_input(
    name: str = "First", min_referrals: int = 1, segment: str | None = None, **reward: Any
) -> Json:
    """Returns a ReferralTierInput; `reward` has the fields of RewardInput."""
    row = {"name": name, "minReferrals": min_referrals, "reward": reward}
    return row if segment is None else {**row, "segmentId": segment}


def points_reward(program: str, points: int = 10) -> Json:
    """Returns the `points` of a RewardInput."""
    return {"programId": program, "points": points}
