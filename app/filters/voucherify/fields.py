"""What their fields are called here, and which have no counterpart."""

from app.errors import Code, refuse
from app.filters.catalog import Catalog
from app.filters.fields import Field, is_event_name
from app.filters.likeness import most_like, pairs_of
from app.filters.parse import quoted
from app.filters.sources import ORDER

PATHS = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "description": "description",
    "source_id": "sourceId",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
    "birthdate": "birthdate",
    "birthday": "birthdate",
    "city": "address.city",
    "address.city": "address.city",
    "address.state": "address.state",
    "address.line_1": "address.line1",
    "address.line_2": "address.line2",
    "address.country": "address.country",
    "address.postal_code": "address.postalCode",
    "system_metadata.source": "source",
    "summary.orders.total_amount": "orders.totalAmount",
    "summary.orders.total_count": "orders.totalCount",
    "summary.orders.average_amount": "orders.averageAmount",
    "summary.orders.last_order_amount": "orders.lastOrderAmount",
    "summary.orders.last_order_date": "orders.lastOrderAt",
    "loyalty.points": "loyalty.points",
}
"""Their fields with fixed names; `metadata.KEY` and `events.NAME.count` are the same here."""

_AS_EVENTS = "track redemptions as events, and ask for their number with events.NAME.count"
_AS_METADATA = "write it into a key of metadata, and ask for that"

WITHOUT = {
    "summary.redemptions.gift": f"Gift cards are not kept here; {_AS_METADATA}.",
    "summary.redemptions.loyalty_card": (
        "Points of single cards are not kept here; ask for the balance with loyalty.points."
    ),
    "summary.redemptions": f"Redemptions are not kept here; {_AS_EVENTS}.",
    "loyalty_points": (
        "A customer has one balance here, whatever the campaign; ask for it with loyalty.points."
    ),
    "loyalty_tier": f"Loyalty tiers are not kept here; {_AS_METADATA}.",
    "loyalty.referred_customers": (
        f"Who was referred can not be asked for in a filter here; {_AS_METADATA}."
    ),
    "loyalty.campaigns": (
        "A customer has one balance here, whatever the campaign; ask for it with loyalty.points."
    ),
    "referrals": f"Who was referred can not be asked for in a filter here; {_AS_METADATA}.",
    "publications": "Publications are not kept here; track them as events, and ask for those.",
    "system_metadata": f"Of the system's metadata only the source is kept here; {_AS_METADATA}.",
}
"""Their fields without a counterpart, by what they begin with; and what to do instead."""

_KNOWN = pairs_of(PATHS)


def find(key: str, catalog: Catalog) -> Field:
    """Our field for theirs. Refused where there is none."""
    path = key if key.startswith("metadata.") else PATHS.get(key)
    if key.startswith("events."):
        path = _of_events(key)
    if path is None:
        raise _without(key)
    field = catalog.find(path)
    if field is None:
        message = (
            f"No key of metadata can be called {quoted(key)}: each has 1 to 100 characters, no NUL,"
            " no $ at its start, and only an OBJECT has keys inside."
        )
        raise refuse(Code.UNKNOWN_ATTRIBUTE, message)
    return field


def _of_events(key: str) -> str:
    name, _, measure = key.removeprefix("events.").rpartition(".")
    if measure != "count" or not is_event_name(name):
        message = f"{quoted(key)} is not known of events; only events.NAME.count is."
        raise refuse(Code.UNKNOWN_ATTRIBUTE, message)
    if name == ORDER:
        message = "Events called order are the orders here; use summary.orders.total_count."
        raise refuse(Code.UNKNOWN_ATTRIBUTE, message)
    return key


def _without(key: str) -> Exception:
    for beginning, why in WITHOUT.items():
        if key == beginning or key.startswith(f"{beginning}."):
            return refuse(Code.UNKNOWN_ATTRIBUTE, why)
    near = most_like(key, _KNOWN)
    message = f"No field of Voucherify's is known as {quoted(key)}; the nearest is {near!r}."
    return refuse(Code.UNKNOWN_ATTRIBUTE, message)
