"""A shop that has something on each page of the dashboard, and the addresses of the pages."""

from typing import Any

from tests.api import ALL_CUSTOMERS_FILTER
from tests.dashboard.dashboard import Dashboard

ANNA = {"attribute": {"path": "name", "operator": "IS", "value": "Anna"}}
CUSTOMER = {"sourceId": "shop/anna"}

ROOT_PAGES = (
    "/app/segments",
    "/app/segments/new",
    "/app/segments/new/list",
    "/app/customers",
    "/app/import",
    "/app/rules",
    "/app/distributions",
    "/app/codes",
    "/app/loyalty",
    "/app/referrals",
    "/app/engine",
    "/app/nothing",
)
"""The pages that exist in an empty shop, too."""
_SEGMENT_TABS = ("members", "live", "transitions", "uses", "exports", "changes")
_CUSTOMER_TABS = ("profile", "memberships", "points", "timeline", "what-if")


def fill_shop(dashboard: Dashboard) -> list[str]:
    """Creates at least one of everything; returns the addresses of the pages that show it."""
    dashboard.create_customers(
        CUSTOMER["sourceId"], name="Anna", email="anna@shop.example", metadata={"tier": "gold"}
    )
    dashboard.create_customers("ben", name="Ben")
    passive = dashboard.create_segment("Annas", {"filter": ANNA})
    active = dashboard.create_segment("Everybody", {"filter": ALL_CUSTOMERS_FILTER})
    static = dashboard.create_segment("Chosen", {"customers": [{"sourceId": "ben"}]})
    pool = _create(dashboard, "codePoolCreate", "codePool", name="Gifts", codes=["A", "B"])
    distribution = dashboard.create_distribution(
        active, codePoolId=pool, includeCurrentMembers=True
    )
    program = _create(dashboard, "loyaltyProgramCreate", "program", name="Club")
    _create(
        dashboard,
        "earningRuleCreate",
        "earningRule",
        programId=program,
        name="Entry",
        segmentId=active,
        points={"fixed": 5},
    )
    tier = {"name": "One", "minReferrals": 1, "reward": {"codePoolId": pool}}
    _create(dashboard, "referralProgramCreate", "program", name="Friends", tiers=[tier])
    _create(
        dashboard,
        "validationRuleCreate",
        "validationRule",
        name="Discount",
        filter={"segment": {"id": passive}},
    )
    _create(dashboard, "segmentExport", "export", segmentId=passive)
    _add_activity(dashboard, program)
    return [
        *ROOT_PAGES,
        *(f"/app/segments/{active}/{tab}" for tab in _SEGMENT_TABS),
        f"/app/segments/{passive}",
        f"/app/segments/{passive}/uses",
        f"/app/segments/{passive}/exports",
        f"/app/segments/{passive}/edit",
        f"/app/segments/{active}/edit",
        f"/app/segments/{static}",
        f"/app/segments/new?from={active}",
        f"/app/segments/new/list?from={static}",
        *(f"/app/customers/shop%2Fanna/{tab}" for tab in _CUSTOMER_TABS),
        f"/app/distributions/{distribution}",
        f"/app/codes/{pool}",
    ]


def _create(dashboard: Dashboard, mutation: str, noun: str, **fields: Any) -> str:
    """Creates an object; returns its id."""
    input_type = {
        "codePoolCreate": "CodePoolInput",
        "loyaltyProgramCreate": "LoyaltyProgramInput",
        "earningRuleCreate": "EarningRuleInput",
        "referralProgramCreate": "ReferralProgramInput",
        "validationRuleCreate": "ValidationRuleInput",
        "segmentExport": "SegmentExportInput",
    }[mutation]
    payload = dashboard.execute(
        f"mutation($input: {input_type}!) {{ {mutation}(input: $input)"
        f" {{ {noun} {{ id }} userErrors {{ code path message }} }} }}",
        input=fields,
    )
    assert not payload["userErrors"], payload
    return str(payload[noun]["id"])


def _add_activity(dashboard: Dashboard, program: str) -> None:
    """Gives the customer an order, an event and points."""
    dashboard.request(
        "mutation($order: OrderInput!, $event: EventInput!, $points: PointsAdjustInput!) {"
        " ordersUpsert(inputs: [$order]) { accepted }"
        " eventsTrack(inputs: [$event]) { accepted }"
        " pointsAdjust(input: $points) { userErrors { message } } }",
        order={"sourceId": "1", "customer": CUSTOMER, "status": "PAID", "amount": 995},
        event={"customer": CUSTOMER, "name": "visit", "properties": {"page": "home"}},
        points={"customer": CUSTOMER, "programId": program, "points": 3, "reason": "Birthday"},
    )
