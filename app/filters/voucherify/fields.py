"""The fields of Voucherify: their paths in this API, and the fields that are not supported."""

from app.errors import UserErrorCode, input_error
from app.filters.catalog import Catalog
from app.filters.fields import Field, is_event_name
from app.filters.parse import quote_for_message
from app.filters.sources import ORDER_EVENT_NAME, ORDER_ITEM_EVENT_NAME
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
"""The path in this API of each Voucherify field that has a fixed name.

`metadata.KEY` and `events.NAME.count` are the same in both.
"""

_METADATA_ADVICE = "store the value in a metadata key and filter by that key"
_BALANCE_ADVICE = (
    "A customer has one points balance for all campaigns; filter by it with loyalty.points."
)
_REFERRAL_ADVICE = f"A filter cannot ask for referrals; {_METADATA_ADVICE}."

UNSUPPORTED_FIELDS = {
    "summary.redemptions.gift": f"Gift cards are not stored; {_METADATA_ADVICE}.",
    "summary.redemptions.loyalty_card": (
        "The points of single loyalty cards are not stored;"
        " filter by the customer's balance with loyalty.points."
    ),
    "summary.redemptions": (
        "Redemptions are not stored; track them as events and filter by events.NAME.count."
    ),
    "loyalty_points": _BALANCE_ADVICE,
    "loyalty_tier": f"Loyalty tiers are not stored; {_METADATA_ADVICE}.",
    "loyalty.referred_customers": _REFERRAL_ADVICE,
    "loyalty.campaigns": _BALANCE_ADVICE,
    "referrals": _REFERRAL_ADVICE,
    "publications": "Publications are not stored; track them as events and filter by those events.",
    "system_metadata": (
        "Of the system metadata, only system_metadata.source is supported;"
        f" otherwise {_METADATA_ADVICE}."
    ),
}
"""What to do instead of each Voucherify field that is not supported.

An entry also applies to all fields below it: `referrals` to `referrals.count`, for example.
"""

_KNOWN_FIELDS = bigrams_by_word(PATHS_BY_FIELD)


def find_field(key: str, catalog: Catalog) -> Field:
    """The field of this API that corresponds to a Voucherify field.

    Raises InputError, with advice on what to do instead, if there is none.
    """
    path = key if key.startswith("metadata.") else PATHS_BY_FIELD.get(key)
    if key.startswith("events."):
        path = _event_count_path(key)
    if path is None:
        raise _unsupported_field(key)
    field = catalog.find_field(path)
    if field is None:
        message = (
            f"{quote_for_message(key)} is not a valid metadata path: a key has 1 to 100 characters,"
            " no NUL and no $ at its start, and only an OBJECT has nested keys."
        )
        raise input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, message)
    return field


def _event_count_path(key: str) -> str:
    name, _, property_name = key.removeprefix("events.").rpartition(".")
    if property_name != "count" or not is_event_name(name):
        message = f"{quote_for_message(key)} is not supported; for events use events.NAME.count."
        raise input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, message)
    if name == ORDER_EVENT_NAME:
        message = "Events named order are stored as orders; use summary.orders.total_count."
        raise input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, message)
    if name == ORDER_ITEM_EVENT_NAME:
        message = "Events named order.item are the items of orders; filter by them with `event`."
        raise input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, message)
    return key


def _unsupported_field(key: str) -> Exception:
    for prefix, advice in UNSUPPORTED_FIELDS.items():
        if key == prefix or key.startswith(f"{prefix}."):
            return input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, advice)
    suggestion = suggest(key, _KNOWN_FIELDS)
    message = (
        f"{quote_for_message(key)} is not a known Voucherify field;"
        f" the most similar one is {suggestion!r}."
    )
    return input_error(UserErrorCode.UNKNOWN_ATTRIBUTE, message)
