"""What their fields are called here, and which have no counterpart."""

from app.errors import UserErrorCode, input_error
from app.filters.catalog import Catalog
from app.filters.fields import Field, is_event_name
from app.filters.parse import quote_for_message
from app.filters.sources import ORDER_EVENT_NAME
from app.filters.suggestions import bigrams_by_word, suggest

PATHS_BY_FIELD = {
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

_ADVICE_EVENTS = "track redemptions as events, and ask for their number with events.NAME.count"
_ADVICE_METADATA = "write it into a key of metadata, and ask for that"

UNSUPPORTED_FIELDS = {
    "summary.redemptions.gift": f"Gift cards are not kept here; {_ADVICE_METADATA}.",
    "summary.redemptions.loyalty_card": (
        "Points of single cards are not kept here; ask for the balance with loyalty.points."
    ),
    "summary.redemptions": f"Redemptions are not kept here; {_ADVICE_EVENTS}.",
    "loyalty_points": (
        "A customer has one balance here, whatever the campaign; ask for it with loyalty.points."
    ),
    "loyalty_tier": f"Loyalty tiers are not kept here; {_ADVICE_METADATA}.",
    "loyalty.referred_customers": (
        f"Who was referred can not be asked for in a filter here; {_ADVICE_METADATA}."
    ),
    "loyalty.campaigns": (
        "A customer has one balance here, whatever the campaign; ask for it with loyalty.points."
    ),
    "referrals": f"Who was referred can not be asked for in a filter here; {_ADVICE_METADATA}.",
    "publications": "Publications are not kept here; track them as events, and ask for those.",
    "system_metadata": f"Of the system's metadata only the source is kept here; {_ADVICE_METADATA}.",
}
"""Their fields without a counterpart, by what they begin with; and what to do instead."""

_KNOWN_FIELDS = bigrams_by_word(PATHS_BY_FIELD)


def find_field(key: str, catalog: Catalog) -> Field:
    """Our field for theirs. Refused where there is none."""
    path = key if key.startswith("metadata.") else PATHS_BY_FIELD.get(key)
    if key.startswith("events."):
        path = _event_count_path(key)
    if path is None:
        raise _unsupported_field(key)
    field = catalog.find_field(path)
    if field is None:
        message = (
            f"No key of metadata can be called {quote_for_message(key)}: each has 1 to 100 characters, no NUL,"
            " no $ at its start, and only an OBJECT has keys inside."
        )
        raise input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, message)
    return field


def _event_count_path(key: str) -> str:
    name, _, property_name = key.removeprefix("events.").rpartition(".")
    if property_name != "count" or not is_event_name(name):
        message = f"{quote_for_message(key)} is not known of events; only events.NAME.count is."
        raise input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, message)
    if name == ORDER_EVENT_NAME:
        message = "Events called order are the orders here; use summary.orders.total_count."
        raise input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, message)
    return key


def _unsupported_field(key: str) -> Exception:
    for prefix, advice in UNSUPPORTED_FIELDS.items():
        if key == prefix or key.startswith(f"{prefix}."):
            return input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, advice)
    suggestion = suggest(key, _KNOWN_FIELDS)
    message = f"No field of Voucherify's is known as {quote_for_message(key)}; the nearest is {suggestion!r}."
    return input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, message)
