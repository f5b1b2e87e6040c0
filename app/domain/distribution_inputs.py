"""Inputs of distributions: channels are checked as far as that needs no network."""

import re
from typing import Annotated, Any

import httpx
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from app.domain.distributions import Channel, EmailChannel, WebhookChannel
from app.domain.input_types import JsonObject, Name, PositiveInt
from app.domain.inputs import Input
from app.domain.json_values import require_storable
from app.domain.transitions import TransitionType
from app.errors import UserErrorCode, input_error

MAX_URL_LENGTH = 2_000
MAX_HEADERS = 20
MAX_HEADER_VALUE_LENGTH = 2_000
MAX_SUBJECT_LENGTH = 1_000
MAX_BODY_LENGTH = 100_000
# A Long; MongoDB stores no larger number.
_MAX_PER_CUSTOMER = 2**31 - 1

_MAX_PORT = 65_535

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_URL_CHARACTERS = re.compile(r"[^\s\x00-\x1f\x7f]+")
# Of the connection (RFC 9110), or set by the sender.
_RESERVED_HEADERS = frozenset(
    (
        *("accept-encoding", "connection", "content-encoding", "content-length", "content-type"),
        *("expect", "host", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "user-agent"),
    )
)
_RESERVED_PREFIX = "webhook-"


def _require_url(text: str) -> str:
    if len(text) > MAX_URL_LENGTH:
        raise ValueError(f"has at most {MAX_URL_LENGTH:,} characters")
    if not _URL_CHARACTERS.fullmatch(text):
        raise ValueError("must be a URL without spaces and control characters")
    try:
        url = httpx.URL(text)
        # Decodes a host in Punycode.
        host = url.host
    except (httpx.InvalidURL, ValueError, UnicodeError) as error:
        raise ValueError(f"must be a URL: {error}") from None
    if url.scheme not in ("http", "https") or not host:
        raise ValueError("must begin with https:// or http:// and a host name")
    if url.userinfo:
        raise ValueError("must not have a user name or password; send a header instead")
    if url.fragment:
        raise ValueError("must not have a fragment (#); leave it out")
    if url.port is not None and not 1 <= url.port <= _MAX_PORT:
        raise ValueError(f"must have a port of 1 to {_MAX_PORT}")
    return str(url)


def _require_headers(headers: Any) -> Any:
    if headers is None:
        return {}
    if not isinstance(headers, dict):
        raise ValueError("must be a JSON object of header names and texts")
    if len(headers) > MAX_HEADERS:
        raise ValueError(f"has at most {MAX_HEADERS} headers")
    seen = set()
    for name, value in headers.items():
        _require_header(name, value)
        if name.lower() in seen:
            raise ValueError(f"has {name} twice, as case does not count")
        seen.add(name.lower())
    return headers


def _require_header(name: str, value: Any) -> None:
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"has {name[:100]!r}, which is not the name of a header")
    if name.lower() in _RESERVED_HEADERS or name.lower().startswith(_RESERVED_PREFIX):
        raise ValueError(f"must not have {name}, which the sender sets; leave it out")
    is_valid = isinstance(value, str) and _HEADER_VALUE.fullmatch(value)
    if not is_valid or value != value.strip() or len(value) > MAX_HEADER_VALUE_LENGTH:
        raise ValueError(
            f"has a value of {name} that is not one line of Latin-1 text without spaces around it,"
            f" with at most {MAX_HEADER_VALUE_LENGTH:,} characters"
        )


def _require_one_line(text: str) -> str:
    if any(character < " " or character == "\x7f" for character in text):
        raise ValueError("must be one line without control characters")
    return text


Headers = Annotated[JsonObject, BeforeValidator(_require_headers)]
Subject = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_SUBJECT_LENGTH),
    AfterValidator(require_storable),
    AfterValidator(_require_one_line),
]
Body = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_BODY_LENGTH),
    AfterValidator(require_storable),
]
MaxPerCustomer = Annotated[PositiveInt, Field(le=_MAX_PER_CUSTOMER)]


class WebhookInput(Input):
    url: Annotated[str, AfterValidator(_require_url)]
    headers: Headers = Field(default_factory=dict)


class EmailInput(Input):
    subject: Subject
    body: Body


class ChannelInput(Input):
    """Exactly one of the two fields is set; GraphQL's @oneOf guarantees it."""

    webhook: WebhookInput | None = None
    email: EmailInput | None = None

    def to_channel(self) -> Channel:
        if self.email is not None:
            return EmailChannel(self.email.subject, self.email.body)
        assert self.webhook is not None, "ChannelInput is @oneOf"
        return WebhookChannel(self.webhook.url, self.webhook.headers)


class DistributionInput(Input):
    name: Name
    segment_id: str
    on: Annotated[TransitionType, BeforeValidator(TransitionType)] = TransitionType.ENTERED
    channel: ChannelInput
    code_pool_id: str | None = None
    include_current_members: bool = False
    max_per_customer: MaxPerCustomer | None = None


class DistributionUpdateInput(Input):
    """A field that is left out stays. Null removes the code pool or the maximum."""

    name: Name | None = None
    channel: ChannelInput | None = None
    code_pool_id: str | None = None
    max_per_customer: MaxPerCustomer | None = None

    def require_not_null(self) -> None:
        """Raises INVALID if a field that can't be removed was sent as null."""
        for name in ("name", "channel"):
            if name in self.model_fields_set and getattr(self, name) is None:
                message = f"{name} can't be null; leave it out to keep it."
                raise input_error(UserErrorCode.INVALID, message, "input", name)
