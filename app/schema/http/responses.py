"""Answers and refusals as responses of HTTP."""

from collections.abc import Mapping

import orjson
from starlette.responses import Response

from app.schema.http import media
from app.schema.http.refusals import JSON, OperationRefused, RequestRefused

PARTIAL_SUCCESS = 294
NOT_KEPT = {"Cache-Control": "no-store"}


def answer(answer: JSON, media_type: str) -> Response:
    partly = "errors" in answer and media_type == media.GRAPHQL
    return json(answer, PARTIAL_SUCCESS if partly else 200, media_type)


def refusal(refusal: RequestRefused, media_type: str) -> Response:
    legacy = isinstance(refusal, OperationRefused) and media_type == media.JSON
    status = 200 if legacy else refusal.status
    return json({"errors": refusal.errors}, status, media_type, refusal.headers)


def json(
    answer: JSON, status: int, media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        orjson.dumps(answer),
        status,
        {**NOT_KEPT, **(headers or {})},
        f"{media_type}; charset=utf-8" if media_type == media.GRAPHQL else media_type,
    )
