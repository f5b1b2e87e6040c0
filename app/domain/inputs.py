"""The rows that callers send, in the shape of the API's inputs, checked."""

from datetime import date, datetime
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from app.domain.json import Key, LongText, Text, json_object, small, storable
from app.domain.orders import STATUSES
from app.domain.segments import LONGEST_NAME
from app.errors import Code, Problem, Refused
from app.filters.calendar import cut, read_date, read_datetime
from app.filters.fields import event_key
from app.filters.sources import ORDER
from app.filters.values import LARGEST_LONG, SMALLEST_LONG


def _day(value: object) -> object:
    return read_date(value) if isinstance(value, str) else value


def _instant(value: object) -> object:
    read = read_datetime(value) if isinstance(value, str) else value
    if isinstance(read, datetime):
        if read.tzinfo is None:
            raise ValueError("must have an offset, like Z")
        return cut(read)
    return read


def _status(value: object) -> object:
    if isinstance(value, str) and value not in STATUSES:
        raise ValueError(f"must be one of {', '.join(STATUSES)}")
    return value


def _not_null(value: object) -> object:
    if value is None:
        raise ValueError("can't be null; leave it out to keep the stored value")
    return value


def _not_reserved(name: str) -> str:
    if name == ORDER:
        raise ValueError("is reserved: orders come in through ordersUpsert")
    return name


Day = Annotated[date, BeforeValidator(_day)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
JsonObject = Annotated[dict[str, Any], BeforeValidator(json_object)]
Properties = Annotated[JsonObject, AfterValidator(small)]
EventName = Annotated[
    str, StringConstraints(min_length=1, max_length=100), AfterValidator(storable)
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME),
    AfterValidator(storable),
]
Count = Annotated[int, Field(ge=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Long = Annotated[int, Field(ge=SMALLEST_LONG, le=LARGEST_LONG)]


class Input(BaseModel):
    """A row as it was sent: `model_fields_set` tells what was, null included."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        strict=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    def sent(self) -> dict[str, Any]:
        """What was sent, by its public name."""
        return {
            to_camel(name): getattr(self, name)
            for name in type(self).model_fields
            if name in self.model_fields_set
        }


class CustomerRef(Input):
    """A customer by our id or by the caller's own key."""

    id: str | None = None
    source_id: Key | None = None

    @classmethod
    def by_id(cls, id_: str) -> Self:
        return cls.model_validate({"id": id_})

    @classmethod
    def by_source_id(cls, source_id: str) -> Self:
        return cls.model_validate({"sourceId": source_id})

    @property
    def text(self) -> str:
        """The one that was given."""
        return self.id or self.source_id or ""

    @model_validator(mode="after")
    def _one(self) -> Self:
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
    """What may be said of a customer: a field left out stays, null removes it."""

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


# Orders are the events named `order`, stored as a summary of their own.
_OF_ORDERS = {"count": "totalCount", "firstAt": "firstOrderAt", "lastAt": "lastOrderAt"}


class OrdersOverride(Input):
    total_count: Long | None = None
    total_amount: Long | None = None
    average_amount: Finite | None = None
    last_order_amount: Long | None = None
    first_order_at: Instant | None = None
    last_order_at: Instant | None = None


class LoyaltyOverride(Input):
    points: Long | None = None


class EventOverride(Input):
    count: Long | None = None
    first_at: Instant | None = None
    last_at: Instant | None = None


class Overrides(Profile):
    """What is laid over a customer for one question."""

    source_id: Key | None = None
    orders: OrdersOverride | None = None
    loyalty: LoyaltyOverride | None = None
    events: dict[EventName, EventOverride | None] | None = None

    def activity(self) -> dict[str, dict[str, Any]]:
        """What was sent of the activity, as it is stored."""
        parts = {"orders": self.orders, "loyalty": self.loyalty}
        sent = {key: part.sent() for key, part in parts.items() if part is not None}
        if self.events is not None:
            events = {name: event.sent() if event else None for name, event in self.events.items()}
            if ORDER in events:
                as_orders = events.pop(ORDER) or dict.fromkeys(_OF_ORDERS)
                renamed = {_OF_ORDERS[key]: value for key, value in as_orders.items()}
                sent["orders"] = {**renamed, **sent.get("orders", {})}
            sent["events"] = {event_key(name): event for name, event in events.items()}
        return sent


class EventInput(Input):
    customer: CustomerRef
    name: Annotated[EventName, AfterValidator(_not_reserved)]
    at: Instant | None = None
    properties: Properties | None = None
    idempotency_key: Key | None = None


class OrderInput(Input):
    source_id: Key
    customer: CustomerRef
    # None stands for a field that is left out: the order keeps its stored value.
    status: Annotated[str | None, BeforeValidator(_not_null), AfterValidator(_status)] = None
    amount: Annotated[Long | None, BeforeValidator(_not_null)] = None
    at: Instant | None = None
    metadata: Properties | None = None


class LoyaltyProgramInput(Input):
    name: Name


class ProportionalPointsInput(Input):
    path: str
    every: Annotated[Finite, Field(ge=1)]
    points: Count


class PointsInput(Input):
    """Either of them."""

    fixed: Count | None = None
    proportional: ProportionalPointsInput | None = None


class EarningRuleInput(Input):
    program_id: str
    name: Name
    segment_id: str
    points: PointsInput
    active_from: Instant | None = None
    active_until: Instant | None = None
    max_per_customer: Count | None = None


Model = TypeVar("Model", bound=Input)

# Where Pydantic's words are of Python.
_WORDS = {
    "extra_forbidden": "is not known here; leave it out",
    "missing": "is required",
    "model_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
}


def read(model: type[Model], wire: object, *path: str) -> Model:
    """The row of that shape. Refused names everything that does not fit, under `path`."""
    try:
        return model.model_validate(wire)
    except ValidationError as error:
        raise Refused(_problems(error, path)) from None


def _problems(error: ValidationError, path: tuple[str, ...]) -> list[Problem]:
    found = []
    for fault in error.errors(include_url=False, include_input=False):
        # A key at fault is followed by a word of Pydantic's own.
        where = tuple(str(step) for step in fault["loc"] if step != "[key]")
        code = Code.METADATA_INVALID if where[:1] == ("metadata",) else Code.INVALID
        subject = where[-1][:100] if where else "The row"
        found.append(Problem(code, f"{subject} {_words(fault)}", path + where))
    return found


def _words(fault: ErrorDetails) -> str:
    message = _WORDS.get(fault["type"], fault["msg"]).removeprefix("Value error, ")
    message = message.replace("Input should be", "must be").replace("String should", "must")
    return message[:1].lower() + message[1:]
