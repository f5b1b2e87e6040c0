"""GraphQL requests, parsed strictly from a body, a URL or a WebSocket message."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from app.schema.http.request_errors import JSON, request_error
from app.worker_threads import run_in_thread

LARGE_REQUEST_BYTES = 32 * 1024
"""Larger requests are parsed and validated in a thread."""

MAX_JSON_DEPTH = 100
# An object takes about five times the memory of another value, and a key about three times.
MAX_JSON_WEIGHT = 1_500_000
_OBJECT_WEIGHT = 5
_KEY_WEIGHT = 3
_SCANNED_BYTES = 1024 * 1024
_MAX_DIGITS = 19
_SHA256 = re.compile("[0-9a-f]{64}")
_LONG_NUMBER = b"0" * _MAX_DIGITS
# Turns each digit into 0, and other bytes into a space.
_DIGITS_TO_ZERO = bytes(ord("0" if chr(byte) in "0123456789" else " ") for byte in range(256))


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A request. `document_hash` is given for a persisted query, whose `query` may be empty.
    `size_bytes` is the size of its JSON or its URL."""

    query: str
    operation_name: str | None = None
    variables: JSON | None = None
    document_hash: str | None = None
    size_bytes: int = 0

    @property
    def is_large(self) -> bool:
        """Whether to validate it in a thread."""
        return is_large(self.size_bytes)


async def parse_json(body: bytes) -> Any:
    """Parses JSON as `read_json` does, in a thread if it is large."""
    return await run_in_thread(read_json, body) if is_large(len(body)) else read_json(body)


def is_large(size_bytes: int) -> bool:
    return size_bytes > LARGE_REQUEST_BYTES


def read_json(body: bytes) -> Any:
    """Parses JSON. Raises RequestError for NaN, lone surrogates, integers beyond 64 bits, and too
    many values."""
    if (
        is_large(len(body))
        and _weigh(body) > MAX_JSON_WEIGHT
        and _weigh_values(body) > MAX_JSON_WEIGHT
    ):
        raise request_error(413, "The request has too many values; send fewer, or in parts.")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise request_error(400, f"The request is not JSON: {error}.") from None
    if _is_nested_too_deeply(body, value):
        raise request_error(400, f"The JSON is nested more than {MAX_JSON_DEPTH} levels deep.")
    if _has_long_number(body):
        # orjson reads an integer beyond 64 bits as a float.
        value = json.loads(body, parse_int=_parse_64_bit_integer)
    return value


def from_json(value: object, size_bytes: int) -> GraphQLRequest:
    if isinstance(value, list):
        raise request_error(
            422, "A batch is not supported: send each operation as its own request."
        )
    if not isinstance(value, dict):
        raise request_error(422, "The request must be one JSON object with a `query`.")
    return from_parameters(value, size_bytes)


def from_query_string(query_string: bytes) -> GraphQLRequest:
    """Parses the parameters of a GET request. An empty parameter counts as absent."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), errors="strict")
    except ValueError:
        raise request_error(400, "The URL's parameters are not UTF-8.") from None
    parameters: dict[str, Any] = dict(pairs)
    for name in ("variables", "extensions"):
        if name in parameters:
            parameters[name] = read_json(parameters[name].encode())
    return from_parameters(parameters, len(query_string))


def from_parameters(parameters: Mapping[str, object], size_bytes: int) -> GraphQLRequest:
    query = parameters.get("query")
    operation_name = parameters.get("operationName")
    variables = parameters.get("variables")
    extensions = parameters.get("extensions")
    if not isinstance(extensions, dict | None):
        raise request_error(422, "`extensions` must be an object.")
    document_hash = _read_document_hash(extensions or {})
    if query is None and document_hash is not None:
        query = ""
    if not isinstance(query, str):
        raise request_error(422, "`query` must be a string: the GraphQL document.")
    if not isinstance(operation_name, str | None):
        raise request_error(422, "`operationName` must be a string.")
    if not isinstance(variables, dict | None):
        raise request_error(422, "`variables` must be an object.")
    return GraphQLRequest(query, operation_name or None, variables, document_hash, size_bytes)


def _read_document_hash(extensions: JSON) -> str | None:
    """Returns the hash of a persisted query; None if the request does not use them."""
    match extensions.get("persistedQuery"):
        case None:
            return None
        case {"version": 1, "sha256Hash": str(document_hash)} if _SHA256.fullmatch(document_hash):
            return document_hash
    raise request_error(
        422, "`persistedQuery` must have `version` 1 and a `sha256Hash` of 64 hexadecimal digits."
    )


def _weigh(json_text: bytes) -> int:
    """Returns the weight of the values, if no string had commas, colons and brackets."""
    object_count = json_text.count(b"{") + json_text.count(b"[")
    key_count = json_text.count(b":")
    return json_text.count(b",") + _OBJECT_WEIGHT * object_count + _KEY_WEIGHT * key_count


def _weigh_values(body: bytes) -> int:
    """Returns the weight of the values in JSON; of too many only the weight of the first."""
    weight, start, is_in_string = 0, 0, False
    while start < len(body) and weight <= MAX_JSON_WEIGHT:
        part = body[start : start + _SCANNED_BYTES]
        if (len(part) - len(part.rstrip(b"\\"))) % 2:
            # Not between a backslash and what it escapes.
            part = body[start : start + len(part) + 1]
        start += len(part)
        pieces = part.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')
        # Joined: a call for each piece takes several times as long.
        weight += _weigh(b"".join(pieces[is_in_string::2]))
        is_in_string ^= len(pieces) % 2 == 0
    return weight


def _has_long_number(body: bytes) -> bool:
    """Whether the text has a number that may not fit into 64 bits. Scans parts, since a thread that
    scans does not let the event loop run. A regular expression takes several times as long."""
    return any(
        _LONG_NUMBER
        in body[start : start + _SCANNED_BYTES + _MAX_DIGITS].translate(_DIGITS_TO_ZERO)
        for start in range(0, len(body), _SCANNED_BYTES)
    )


def _is_nested_too_deeply(body: bytes, value: object) -> bool:
    if body.count(b"[") + body.count(b"{") <= MAX_JSON_DEPTH:
        return False
    depth, level = 0, [value]
    while level := [inner for outer in level for inner in _children(outer)]:
        depth += 1
        if depth > MAX_JSON_DEPTH:
            return True
    return False


def _children(value: object) -> list[Any]:
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [child for child in values if isinstance(child, dict | list)]


def _parse_64_bit_integer(digits: str) -> int:
    # Check the length first: Python's int() raises an error for thousands of digits.
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**63:
        raise request_error(400, "The JSON has an integer that doesn't fit into 64 bits.")
    return int(digits)
