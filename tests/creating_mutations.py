"""The mutations that create something and take an idempotency key."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.api import ALL_CUSTOMERS_FILTER, Api, Json
from tests.loyalty_client import LoyaltyClient

Ids = dict[str, str]


@dataclass(frozen=True)
class CreatingMutation:
    """A mutation, and how a test calls it.

    `argument_types` are the types of its arguments, and `object_field` the field of its payload.
    `make_arguments` takes a name that no other call uses, and the ids of the objects that
    `create_used_objects` creates. Each call adds one document to `collection`.
    """

    field: str
    argument_types: Json
    object_field: str
    make_arguments: Callable[[str, Ids], Json]
    collection: str

    @property
    def query(self) -> str:
        types = {**self.argument_types, "idempotencyKey": "String"}
        variables = ", ".join(f"${name}: {type_}" for name, type_ in types.items())
        arguments = ", ".join(f"{name}: ${name}" for name in types)
        return (
            f"mutation({variables}) {{ {self.field}({arguments})"
            f" {{ {self.object_field} {{ id }} userErrors {{ code message path }} }} }}"
        )

    async def create(self, api: Api, key: str | None, arguments: Json) -> str:
        """Calls the mutation, which must succeed. Returns the id of the object in its payload."""
        payload = await api.fetch(self.query, idempotencyKey=key, **arguments)
        assert not payload["userErrors"], payload
        return str(payload[self.object_field]["id"])

    def count(self, api: Api) -> int:
        """Returns how many documents the collection has."""
        return api.database[self.collection].count_documents({})


def _with_input(
    field: str,
    input_type: str,
    object_field: str,
    collection: str,
    make_input: Callable[[str, Ids], Json],
) -> CreatingMutation:
    def make_arguments(name: str, ids: Ids) -> Json:
        return {"input": make_input(name, ids)}

    return CreatingMutation(
        field, {"input": f"{input_type}!"}, object_field, make_arguments, collection
    )


def _make_distribution(name: str, ids: Ids) -> Json:
    channel = {"webhook": {"url": "https://shop.example/"}}
    return {"name": name, "segmentId": ids["segment"], "channel": channel}


def _make_earning_rule(name: str, ids: Ids) -> Json:
    segment, program = ids["segment"], ids["program"]
    return {"name": name, "segmentId": segment, "programId": program, "points": {"fixed": 1}}


def _make_referral_program(name: str, ids: Ids) -> Json:
    reward = {"points": {"programId": ids["program"], "points": 1}}
    return {"name": name, "tiers": [{"name": "first", "minReferrals": 1, "reward": reward}]}


CREATING_MUTATIONS = [
    _with_input(
        *("segmentCreate", "SegmentCreateInput", "segment", "segments"),
        lambda name, _: {"name": name, "definition": {"filter": ALL_CUSTOMERS_FILTER}},
    ),
    _with_input(
        *("segmentExport", "SegmentExportInput", "export", "exports"),
        lambda name, ids: {"segmentId": ids["segment"], "fields": ["name", f"metadata.{name}"]},
    ),
    _with_input(
        *("validationRuleCreate", "ValidationRuleInput", "validationRule", "validationRules"),
        lambda name, _: {"name": name, "filter": ALL_CUSTOMERS_FILTER},
    ),
    _with_input(
        *("distributionCreate", "DistributionInput", "distribution", "distributions"),
        _make_distribution,
    ),
    _with_input(
        *("codePoolCreate", "CodePoolInput", "codePool", "codePools"),
        lambda name, _: {"name": name, "codes": [name]},
    ),
    CreatingMutation(
        "codePoolAddCodes",
        {"id": "ID!", "codes": "[String!]!"},
        "codePool",
        lambda name, ids: {"id": ids["pool"], "codes": [name]},
        "codes",
    ),
    _with_input(
        *("loyaltyProgramCreate", "LoyaltyProgramInput", "program", "loyaltyPrograms"),
        lambda name, _: {"name": name},
    ),
    _with_input(
        *("earningRuleCreate", "EarningRuleInput", "earningRule", "earningRules"),
        _make_earning_rule,
    ),
    _with_input(
        *("referralProgramCreate", "ReferralProgramInput", "program", "referralPrograms"),
        _make_referral_program,
    ),
]
each_mutation = pytest.mark.parametrize(
    "mutation", CREATING_MUTATIONS, ids=lambda mutation: str(mutation.field)
)
MUTATIONS_BY_FIELD = {mutation.field: mutation for mutation in CREATING_MUTATIONS}


async def create_used_objects(api: Api) -> Ids:
    """Creates what the arguments of the mutations name; returns the ids."""
    club = LoyaltyClient(api)
    pool = await api.services.code_pools.create({"name": "filled"}, api.services.now().at)
    return {
        "segment": await club.create_segment("used"),
        "program": await club.create_program("used"),
        "pool": pool.id,
    }
