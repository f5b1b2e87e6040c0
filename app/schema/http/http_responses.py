"""HTTP responses for results and errors."""

from collections.abc import Mapping

import orjson
from starlette.responses import Response

from app.schema.http import media_types
from app.schema.http.request_errors import JSON, OperationError, RequestError
from app.schema.http.result_encoding import EncodedResult

PARTIAL_SUCCESS_STATUS = 294
NO_STORE_HEADERS = {"Cache-Control": "no-store"}
_JSON_HEADERS = {**NO_STORE_HEADERS, "X-Content-Type-Options": "nosniff"}


def create_result_response(result: EncodedResult, media_type: str) -> Response:
    is_partial = result.has_errors and media_type == media_types.GRAPHQL_RESPONSE
    return _create_response(
        result.text, PARTIAL_SUCCESS_STATUS if is_partial else 200, media_type, {}
    )


def create_error_response(error: RequestError, media_type: str) -> Response:
    is_legacy_client = isinstance(error, OperationError) and media_type == media_types.JSON
    status = 200 if is_legacy_client else error.status
    return create_json_response({"errors": error.errors}, status, media_type, error.headers)


def create_json_response(
    body: JSON, status: int, media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    return _create_response(orjson.dumps(body), status, media_type, headers or {})


def _create_response(
    text: bytes, status: int, media_type: str, headers: Mapping[str, str]
) -> Response:
    return Response(
        text,
        status,
        {**_JSON_HEADERS, **headers},
        f"{media_type}; charset=utf-8"
        if media_type == media_types.GRAPHQL_RESPONSE
        else media_type,
    )
