"""The messages that a client sends in the protocol graphql-transport-ws."""

from dataclasses import dataclass
from typing import Any

from app.schema.http.graphql_request import parse_json
from app.schema.http.request_errors import JSON, RequestError

SUBPROTOCOL = "graphql-transport-ws"
INVALID_MESSAGE_CLOSE_CODE = 4400
MAX_OPERATION_ID_CHARACTERS = 255
"""It is sent back with each result."""

# A close frame has at most 125 bytes, two of which are the code.
_MAX_REASON_BYTES = 123
_TYPES_WITH_ID = ("subscribe", "complete")
_TYPES = ("connection_init", "ping", "pong", *_TYPES_WITH_ID)


class ProtocolError(Exception):
    """The client violated the protocol. The server closes the WebSocket with this code, and with
    this reason as far as it fits into a close frame."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class ClientMessage:
    """A message. `operation_id` is empty unless the message is about an operation. The payload of
    `subscribe` may have any type; that of another message is an object, or None.
    `size_bytes` is the size of its JSON."""

    type: str
    operation_id: str
    payload: Any
    size_bytes: int


async def parse_message(text: str | None) -> ClientMessage:
    """Parses the text of a message; None is a binary message. Raises ProtocolError unless the
    protocol has a message of this type and format."""
    if text is None:
        raise _invalid("A message must be text")
    try:
        body = text.encode()
        message = await parse_json(body)
    except (RequestError, UnicodeEncodeError):
        raise _invalid("A message must be JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise _invalid("A message must be an object with a type")
    return _check_format(message, len(body))


def _check_format(message: JSON, size_bytes: int) -> ClientMessage:
    type_, payload = message["type"], message.get("payload")
    if type_ not in _TYPES:
        raise _invalid(f"Not a message of {SUBPROTOCOL}: {type_}")
    if type_ == "subscribe":
        if "payload" not in message:
            raise _invalid("subscribe must have a payload")
    elif not isinstance(payload, dict | None):
        raise _invalid(f"The payload of {type_} must be an object")
    operation_id = message.get("id") if type_ in _TYPES_WITH_ID else ""
    if not isinstance(operation_id, str) or (type_ in _TYPES_WITH_ID and not operation_id):
        raise _invalid(f"{type_} must have an id: a string that is not empty")
    if len(operation_id) > MAX_OPERATION_ID_CHARACTERS:
        raise _invalid(
            f"The id of an operation has at most {MAX_OPERATION_ID_CHARACTERS} characters"
        )
    return ClientMessage(type_, operation_id, payload, size_bytes)


def _invalid(reason: str) -> ProtocolError:
    return ProtocolError(INVALID_MESSAGE_CLOSE_CODE, reason)
