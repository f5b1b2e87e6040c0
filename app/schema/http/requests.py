"""What a client asks for: read from a body, a URL or a message on a socket, and nothing guessed."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from app.schema.http.refusals import JSON, refused

MAX_NESTING = 100
_LONG_NUMBER = re.compile(rb"\d{19}")


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    query: str
    operation_name: str | None = None
    variables: JSON | None = None


def read_json(body: bytes) -> Any:
    """The value, exact: no NaN, no lone surrogate, no integer that 64 bits can't hold."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise refused(400, f"The request is not JSON: {problem}.") from None
    if _nested_too_deeply(body, value):
        raise refused(400, f"The JSON is nested more than {MAX_NESTING} levels deep.")
    if _LONG_NUMBER.search(body):
        # orjson reads an integer beyond 64 bits as a float.
        value = json.loads(body, parse_int=_integer_of_64_bits)
    return value


def from_json(value: object) -> GraphQLRequest:
    if not isinstance(value, dict):
        raise refused(422, "The request must be one JSON object with a `query`.")
    return from_parameters(value)


def from_url(query_string: bytes) -> GraphQLRequest:
    """The parameters of a GET; there, an empty one is an absent one."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), errors="strict")
    except ValueError:
        raise refused(400, "The URL's parameters are not UTF-8.") from None
    parameters: dict[str, Any] = dict(pairs)
    for name in ("variables", "extensions"):
        if name in parameters:
            parameters[name] = read_json(parameters[name].encode())
    return from_parameters(parameters)


def from_parameters(given: Mapping[str, object]) -> GraphQLRequest:
    query = given.get("query")
    operation_name = given.get("operationName")
    variables = given.get("variables")
    if not isinstance(query, str):
        raise refused(422, "`query` must be a string: the GraphQL document.")
    if not isinstance(operation_name, str | None):
        raise refused(422, "`operationName` must be a string.")
    if not isinstance(variables, dict | None):
        raise refused(422, "`variables` must be an object.")
    if not isinstance(given.get("extensions"), dict | None):
        raise refused(422, "`extensions` must be an object.")
    return GraphQLRequest(query, operation_name or None, variables)


def _nested_too_deeply(body: bytes, value: object) -> bool:
    if body.count(b"[") + body.count(b"{") <= MAX_NESTING:
        return False
    depth, level = 0, [value]
    while level := [inner for outer in level for inner in _children(outer)]:
        depth += 1
        if depth > MAX_NESTING:
            return True
    return False


def _children(value: object) -> list[Any]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [child for child in inside if isinstance(child, dict | list)]


def _integer_of_64_bits(digits: str) -> int:
    # The length comes first: Python refuses to read integers of thousands of digits.
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**63:
        raise refused(400, "The JSON has an integer that doesn't fit into 64 bits.")
    return int(digits)
