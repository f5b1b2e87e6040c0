"""Pydantic models of the API's inputs. GraphQL, NDJSON and CSV rows are all validated by them."""

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from app.domain.input_types import (
    CustomEventName,
    Day,
    FiniteFloat,
    Instant,
    JsonObject,
    Key,
    Long,
    LongText,
    Name,
    OrderAmount,
    OrderStatus,
    OverriddenEventName,
    PositiveInt,
    Properties,
    Quantity,
    Reason,
    RequiredFilter,
    RequiredName,
    Text,
)
from app.domain.orders import MAX_ORDER_ITEMS
from app.errors import InputError, Problem, UserErrorCode
from app.filters.fields import escape_event_name
from app.filters.sources import ORDER_EVENT_NAME

InputObject = Mapping[str, Any]
"""An input object of the API as JSON, before it is validated."""


class Input(BaseModel):
    """One validated row. `model_fields_set` holds the fields that were sent, also those sent as
    null."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        strict=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    def sent_fields(self) -> dict[str, Any]:
        """Returns the sent fields by their public (camelCase) names."""
        return {
            to_camel(name): getattr(self, name)
            for name in type(self).model_fields
            if name in self.model_fields_set
        }


class CustomerRef(Input):
    """Refers to a customer by `id` or by `source_id`, the client's own key."""

    id: str | None = None
    source_id: Key | None = None

    @classmethod
    def by_id(cls, id_: str) -> Self:
        return cls.model_validate({"id": id_})

    @classmethod
    def by_source_id(cls, source_id: str) -> Self:
        return cls.model_validate({"sourceId": source_id})

    @property
    def value(self) -> str:
        """The id or the source id, whichever was sent."""
        return self.id or self.source_id or ""

    @model_validator(mode="after")
    def _require_exactly_one(self) -> Self:
        if (self.id is None) == (self.source_id is None):
            raise ValueError("must have either id or sourceId")
        return self


class AddressInput(Input):
    line1: Text | None = None
    line2: Text | None = None
    city: Text | None = None
    state: Text | None = None
    postal_code: Text | None = None
    country: Text | None = None


class Profile(Input):
    """The fields of a customer that clients set. A field that is left out keeps its stored value;
    null removes the value."""

    name: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    description: LongText | None = None
    birthdate: Day | None = None
    source: Text | None = None
    address: AddressInput | None = None
    metadata: JsonObject | None = None


class CustomerInput(Profile):
    source_id: Key


# Filters see orders as events named `order`, but they are stored in an order summary.
_ORDER_SUMMARY_FIELDS = {"count": "totalCount", "firstAt": "firstOrderAt", "lastAt": "lastOrderAt"}


class OrdersOverride(Input):
    total_count: Long | None = None
    total_amount: Long | None = None
    average_amount: FiniteFloat | None = None
    last_order_amount: Long | None = None
    first_order_at: Instant | None = None
    last_order_at: Instant | None = None


class LoyaltyOverride(Input):
    points: Long | None = None


class EventOverride(Input):
    count: Long | None = None
    first_at: Instant | None = None
    last_at: Instant | None = None


class CustomerOverrides(Profile):
    """Values that replace a customer's own for one what-if evaluation."""

    source_id: Key | None = None
    orders: OrdersOverride | None = None
    loyalty: LoyaltyOverride | None = None
    events: dict[OverriddenEventName, EventOverride | None] | None = None

    def activity_fields(self) -> dict[str, dict[str, Any]]:
        """Returns the sent overrides of orders, loyalty and events by their stored field names."""
        summaries = {"orders": self.orders, "loyalty": self.loyalty}
        fields = {
            key: summary.sent_fields() for key, summary in summaries.items() if summary is not None
        }
        if self.events is not None:
            events = {
                name: event.sent_fields() if event else None for name, event in self.events.items()
            }
            if ORDER_EVENT_NAME in events:
                order_event = events.pop(ORDER_EVENT_NAME) or dict.fromkeys(_ORDER_SUMMARY_FIELDS)
                renamed = {_ORDER_SUMMARY_FIELDS[key]: value for key, value in order_event.items()}
                fields["orders"] = {**renamed, **fields.get("orders", {})}
            fields["events"] = {escape_event_name(name): event for name, event in events.items()}
        return fields


class EventInput(Input):
    customer: CustomerRef
    name: CustomEventName
    at: Instant | None = None
    properties: Properties | None = None
    idempotency_key: Key | None = None


class OrderItemInput(Input):
    sku: Key
    name: Text | None = None
    category: Text | None = None
    # Null, like a field that is left out, stands for 1.
    quantity: Quantity | None = None
    amount: Long
    metadata: Properties | None = None


class OrderInput(Input):
    source_id: Key
    customer: CustomerRef
    # None stands for a field that is left out: the order keeps its stored value.
    status: OrderStatus = None
    amount: OrderAmount = None
    at: Instant | None = None
    items: Annotated[list[OrderItemInput], Field(max_length=MAX_ORDER_ITEMS)] | None = None
    metadata: Properties | None = None


class CodeGenerationInput(Input):
    count: int
    pattern: str | None = None


class CodePoolInput(Input):
    name: Name
    codes: list[str] | None = None
    generate: CodeGenerationInput | None = None


class ValidationRuleInput(Input):
    name: Name
    filter: dict[str, Any]
    error_message: Text | None = None


class ValidationRuleUpdateInput(Input):
    """A field that is left out keeps its value. Only the error message can be removed."""

    name: RequiredName = None
    filter: RequiredFilter = None
    error_message: Text | None = None


class LoyaltyProgramInput(Input):
    name: Name


class ProportionalPointsInput(Input):
    path: str
    every: Annotated[FiniteFloat, Field(ge=1)]
    points: PositiveInt


class PointsAdjustInput(Input):
    customer: CustomerRef
    program_id: str
    points: int
    reason: Reason
    idempotency_key: Key | None = None


class PointsInput(Input):
    """Exactly one of the two fields is set; GraphQL's @oneOf guarantees it."""

    fixed: PositiveInt | None = None
    proportional: ProportionalPointsInput | None = None


class EarningRuleInput(Input):
    program_id: str
    name: Name
    segment_id: str
    points: PointsInput
    active_from: Instant | None = None
    active_until: Instant | None = None
    max_per_customer: PositiveInt | None = None


class RewardPointsInput(Input):
    program_id: str
    points: PositiveInt


class RewardInput(Input):
    """Exactly one of the two fields is set; GraphQL's @oneOf guarantees it."""

    points: RewardPointsInput | None = None
    code_pool_id: str | None = None


class ReferralTierInput(Input):
    name: Name
    min_referrals: PositiveInt
    segment_id: str | None = None
    reward: RewardInput


class ReferralProgramInput(Input):
    name: Name
    tiers: list[ReferralTierInput]


InputModel = TypeVar("InputModel", bound=Input)

# Replacements for Pydantic messages that speak of Python.
_MESSAGES_BY_ERROR_TYPE = {
    "extra_forbidden": "is not a known field; leave it out",
    "missing": "is required",
    "model_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "list_type": "must be a list",
}
# Pydantic's type of the error for a list that has too many elements.
_LIST_TOO_LONG = "too_long"


def parse_input(model: type[InputModel], input_object: object, *path: str) -> InputModel:
    """Validates a row. Raises InputError with one problem for each invalid field; `path` is put
    before the path of each."""
    try:
        return model.model_validate(input_object)
    except ValidationError as error:
        raise InputError(_to_problems(error, path)) from None


def _to_problems(error: ValidationError, path: tuple[str, ...]) -> list[Problem]:
    problems = []
    for details in error.errors(include_url=False, include_input=False):
        # Pydantic appends "[key]" to the location of an invalid dictionary key.
        location = tuple(str(part) for part in details["loc"] if part != "[key]")
        subject = location[-1][:100] if location else "The row"
        message = f"{subject} {_format_message(details)}"
        problems.append(Problem(_error_code(details, location), message, path + location))
    return problems


def _error_code(details: ErrorDetails, location: tuple[str, ...]) -> UserErrorCode:
    if details["type"] == _LIST_TOO_LONG:
        return UserErrorCode.TOO_MANY
    # Items of orders have metadata, too: items, 0, metadata.
    is_in_metadata = location[:1] == ("metadata",) or (
        location[:1] == ("items",) and location[2:3] == ("metadata",)
    )
    return UserErrorCode.METADATA_INVALID if is_in_metadata else UserErrorCode.INVALID


def _format_message(details: ErrorDetails) -> str:
    if details["type"] == _LIST_TOO_LONG:
        return f"can have at most {details['ctx']['max_length']:,} elements; send fewer"
    message = _MESSAGES_BY_ERROR_TYPE.get(details["type"], details["msg"]).removeprefix(
        "Value error, "
    )
    message = message.replace("Input should be", "must be").replace("String should", "must")
    return message[:1].lower() + message[1:]
