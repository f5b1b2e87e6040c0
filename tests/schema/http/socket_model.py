"""How a server of graphql-transport-ws must respond, by the text of the protocol.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

Json = Any

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "{ fruit { name } }": ("next", "complete"),
    "subscription { count(to: 2) }": ("next", "next", "complete"),
    "subscription { endless }": ("next",),
    "subscription { refuses }": ("error",),
    "{ nothing }": ("error",),
    "{": ("error",),
}
"""Documents, and the types of the messages that the server sends for each."""

WRONG_KEY = "wrong"


@dataclass
class SocketModel:
    """The state of a connection, from its opening. Once `close_code` is set, nothing follows."""

    is_acknowledged: bool = False
    running_ids: set[str] = field(default_factory=set)
    close_code: int | None = None

    def receive(self, message: bytes, *, is_text: bool) -> list[Json]:
        """Returns the messages that the server sends for one of the client, each without its
        payload."""
        if not is_text:
            return self._close(4400)
        try:
            message.decode()
        except UnicodeDecodeError:
            return self._close(1007)
        try:
            content = orjson.loads(message)
        except orjson.JSONDecodeError:
            return self._close(4400)
        match content:
            case {"type": "ping", **rest} if has_optional_payload(rest):
                return [{"type": "pong"}]
            case {"type": "pong", **rest} if has_optional_payload(rest):
                return []
            case {"type": "connection_init", **rest} if has_optional_payload(rest):
                return self._initialize(rest.get("payload"))
            case {"type": "complete", "id": str(id_)} if id_:
                self.running_ids.discard(id_)
                return []
            case {"type": "subscribe", "id": str(id_), "payload": payload} if id_:
                return self._subscribe(id_, payload)
            case _:
                return self._close(4400)

    def _close(self, code: int) -> list[Json]:
        self.close_code = code
        return []

    def _initialize(self, payload: object) -> list[Json]:
        if self.is_acknowledged:
            return self._close(4429)
        if isinstance(payload, dict) and payload.get("authorization") == WRONG_KEY:
            return self._close(4403)
        self.is_acknowledged = True
        return [{"type": "connection_ack"}]

    def _subscribe(self, id_: str, payload: object) -> list[Json]:
        if not self.is_acknowledged:
            return self._close(4401)
        if id_ in self.running_ids:
            return self._close(4409)
        query = payload.get("query") if isinstance(payload, dict) else None
        # An operation that is malformed ends like an invalid one, without the connection.
        types = ANSWERS[query] if isinstance(query, str) else ("error",)
        if types[-1] == "next":
            self.running_ids.add(id_)
        return [{"type": type_, "id": id_} for type_ in types]


def has_optional_payload(message: Mapping[Any, object]) -> bool:
    """Whether the payload is an object, null, or missing."""
    return isinstance(message.get("payload"), dict | None)
