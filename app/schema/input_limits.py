"""The most values that the variables of one request may have, by type.

They are well above the limits of the services, which answer with the errors of the API's contract.
"""

from collections.abc import Mapping

from app.domain.codes import MAX_CODES_PER_CALL
from app.domain.referrals import MAX_TIERS
from app.domain.segments import MAX_STATIC_MEMBERS
from app.errors import UserErrorCode
from app.filters.parse import MAX_CONDITIONS, MAX_GROUP_DEPTH
from app.schema.http.input_limits import InputLimit
from app.services.bulk_rows import MAX_BULK_ROWS

_MAX_ENUM_VALUES = 100
_MAX_ORDER_ITEMS_PER_REQUEST = 20_000
# Each condition may have a group at each level.
_FILTER_LIMIT = InputLimit(
    MAX_CONDITIONS * (MAX_GROUP_DEPTH + 2), UserErrorCode.FILTER_TOO_COMPLEX.value, "FilterInput"
)


def _too_many(max_count: int) -> InputLimit:
    return InputLimit(max_count, UserErrorCode.TOO_MANY.value)


INPUT_LIMITS: Mapping[str, InputLimit] = {
    "CustomerInput": _too_many(2 * MAX_BULK_ROWS),
    "EventInput": _too_many(2 * MAX_BULK_ROWS),
    "OrderInput": _too_many(2 * MAX_BULK_ROWS),
    "OrderItemInput": _too_many(_MAX_ORDER_ITEMS_PER_REQUEST),
    "CustomerRef": _too_many(2 * MAX_STATIC_MEMBERS),
    "ReferralTierInput": _too_many(2 * MAX_TIERS),
    "FilterInput": _FILTER_LIMIT,
    # Those of events, too.
    "AttributeConditionInput": _FILTER_LIMIT,
    "ID": _too_many(2 * MAX_BULK_ROWS),
    "String": _too_many(2 * MAX_CODES_PER_CALL),
    "JSON": _too_many(2 * MAX_CODES_PER_CALL),
    "SegmentKind": _too_many(_MAX_ENUM_VALUES),
    "DeliveryStatus": _too_many(_MAX_ENUM_VALUES),
}
