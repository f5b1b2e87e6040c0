"""HTTP responses for results and errors."""

from collections.abc import Mapping

import orjson
from starlette.responses import Response

from app.schema.http import media_types
from app.schema.http.request_errors import JSON, OperationError, RequestError

PARTIAL_SUCCESS_STATUS = 294
NO_STORE_HEADERS = {"Cache-Control": "no-store"}


def create_result_response(result: JSON, media_type: str) -> Response:
    is_partial = "errors" in result and media_type == media_types.GRAPHQL_RESPONSE
    return create_json_response(result, PARTIAL_SUCCESS_STATUS if is_partial else 200, media_type)


def create_error_response(error: RequestError, media_type: str) -> Response:
    is_legacy_client = isinstance(error, OperationError) and media_type == media_types.JSON
    status = 200 if is_legacy_client else error.status
    return create_json_response({"errors": error.errors}, status, media_type, error.headers)


def create_json_response(
    body: JSON, status: int, media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        orjson.dumps(body),
        status,
        {**NO_STORE_HEADERS, **(headers or {})},
        f"{media_type}; charset=utf-8"
        if media_type == media_types.GRAPHQL_RESPONSE
        else media_type,
    )
