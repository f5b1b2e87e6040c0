"""A shop in which every list has the same number of rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId

from app.domain.exports import ExportFormat
from tests.api import Api, Json
from tests.deliveries.distribution_client import DistributionClient
from tests.referral_client import ReferralClient, points_reward, tier_input

_CREATE_RULE = (
    "mutation($input: ValidationRuleInput!) { validationRuleCreate(input: $input)"
    " { validationRule { id } userErrors { message } } }"
)
_DEFINE = (
    "mutation($input: MetadataDefinitionInput!) { metadataDefinitionSet(input: $input)"
    " { userErrors { message } } }"
)
_SHARED_EMAIL = "all@shop.example"
_ROWS_PER_CALL = 1_000


async def build_shop(api: Api, rows: int) -> Json:
    """Fills the shop, and returns the variables of queries.

    There are `rows` customers, each with `rows` events, orders, transitions, ledger entries and
    deliveries. Each is a member of all segments: of `rows` static and of `rows` active ones.
    """
    client = DistributionClient(api)
    source_ids = [f"c{number}" for number in range(rows)]
    await _create_customers(api, source_ids)
    static, active = await _create_segments(client, source_ids)
    await _create_users_of_segments(client, static, active)
    rule = await _create_rules(api, active)
    now = datetime.now(UTC)
    for number, segment in enumerate(active):
        await client.append_entered(segment, *source_ids, at=now - timedelta(minutes=number))
    await client.make_deliveries()
    _insert_sizes(api, [*static, *active], now)
    services = api.services
    exports = [
        await services.exports.create(segment, None, ExportFormat.CSV, services.now())
        for segment in active
    ]
    return {
        "first": rows,
        "sourceId": source_ids[0],
        "refs": [{"sourceId": source_id} for source_id in source_ids],
        "emails": [_SHARED_EMAIL],
        "segment": active[0],
        "export": exports[0].id,
        "rule": rule,
        "filter": _filter(0),
    }


def _filter(number: int) -> Json:
    """A filter that all customers match; each number has a filter of its own."""
    bought = {"event": {"name": "visit", "operator": "GREATER_THAN_OR_EQUAL", "value": 1}}
    named = {"attribute": {"path": "sourceId", "operator": "IS_NOT", "value": f"nobody {number}"}}
    return {"all": [bought, named]}


async def _create_customers(api: Api, source_ids: list[str]) -> None:
    for number in range(len(source_ids)):
        key = {"key": f"key{number}", "type": "STRING", "label": f"Key {number}"}
        await api.fetch(_DEFINE, input=key)
    await api.bulk_upsert(
        "customersUpsert",
        [
            {
                "sourceId": id_,
                "name": f"Name {id_}",
                "email": _SHARED_EMAIL,
                "metadata": {"key0": id_, "other": 1},
            }
            for id_ in source_ids
        ],
    )
    at = datetime.now(UTC) - timedelta(days=1)
    pairs = [(id_, number) for id_ in source_ids for number in range(len(source_ids))]
    events: list[Json] = [
        {
            "customer": {"sourceId": id_},
            "name": "visit",
            "at": (at + timedelta(minutes=number)).isoformat(),
        }
        for id_, number in pairs
    ]
    orders: list[Json] = [
        {
            "customer": {"sourceId": id_},
            "sourceId": f"{id_} {number}",
            "amount": number,
            "at": (at + timedelta(minutes=number)).isoformat(),
        }
        for id_, number in pairs
    ]
    for mutation, inputs in (("eventsTrack", events), ("ordersUpsert", orders)):
        for start in range(0, len(inputs), _ROWS_PER_CALL):
            chunk = inputs[start : start + _ROWS_PER_CALL]
            assert await api.bulk_upsert(mutation, chunk) == {
                "accepted": len(chunk),
                "refused": [],
            }


async def _create_segments(
    client: DistributionClient, source_ids: list[str]
) -> tuple[list[str], list[str]]:
    customers = [{"sourceId": source_id} for source_id in source_ids]
    static, active = [], []
    for number in range(len(source_ids)):
        # They alternate, so that the first page has both kinds.
        static.append(await client.create_segment(f"static {number}", customers=customers))
        active.append(await client.create_segment(f"active {number}", filter=_filter(number)))
    return static, active


async def _create_users_of_segments(
    client: DistributionClient, static: list[str], active: list[str]
) -> None:
    """Everything that activates segments. The first active segment and the first programs have many
    users, rules or tiers; the others have one."""
    rows = len(active)
    referrals = ReferralClient(client.api)
    programs = [await client.create_program(f"program {number}") for number in range(rows)]
    for number in range(rows):
        await client.create_rule(programs[number], active[0], name=f"rule {number}")
        await client.create_rule(programs[0], active[number], name=f"other rule {number}")
        # Each distribution gives the first code to somebody.
        pool = await referrals.create_pool("first", *(f"{number} {code}" for code in range(rows)))
        url = "https://shop.example.com/webhooks"
        await client.create(active[0], url, name=f"distribution {number}", codePoolId=pool)
        tiers = [
            tier_input(
                f"tier {tier}",
                segment=active[number],
                **(
                    {"codePoolId": pool}
                    if tier % 2
                    else {"points": points_reward(programs[number])}
                ),
            )
            for tier in range(rows if number == 0 else 1)
        ]
        await referrals.create_program(*tiers, name=f"referrals {number}")


async def _create_rules(api: Api, segments: list[str]) -> str:
    """Creates a validation rule on each segment; returns the id of one."""
    for number, segment in enumerate(segments):
        filter_: dict[str, Any] = {"segment": {"id": segment}}
        payload = await api.fetch(_CREATE_RULE, input={"name": f"rule {number}", "filter": filter_})
        assert not payload["userErrors"], payload
    return str(payload["validationRule"]["id"])


def _insert_sizes(api: Api, segments: list[str], now: datetime) -> None:
    api.database.segmentSizes.insert_many(
        {
            "_id": {"segment": ObjectId(id_.partition("_")[2]), "slot": now - hours * HOUR},
            "at": now - hours * HOUR,
            "memberCount": hours,
            "expiresAt": now + HOUR,
        }
        for id_ in segments
        for hours in range(1, len(segments))
    )
    last_size = {"at": now - HOUR, "memberCount": 1}
    api.database.segments.update_many({}, {"$set": {"lastSize": last_size}})


HOUR = timedelta(hours=1)
