"""The media types of GraphQL over HTTP, and content negotiation."""

from collections.abc import Sequence

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"
EVENT_STREAM = "text/event-stream"


def negotiate(accept: str, offered_types: Sequence[str]) -> str | None:
    """Returns the offered type that an Accept header prefers, or None if it accepts none.

    Of equally preferred types it returns the first.
    """
    if not accept:
        return offered_types[0]
    ranges = [_media_range(part) for part in accept.split(",")]
    best = max(offered_types, key=lambda media_type: _quality(media_type, ranges))
    return best if _quality(best, ranges) > 0 else None


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Returns the quality of the most specific range: `text/html;q=0, */*` excludes HTML only."""
    type_wildcard = media_type.split("/")[0] + "/*"
    for range_name in (media_type, type_wildcard, "*/*"):
        qualities = [quality for range_, quality in ranges if range_ == range_name]
        if qualities:
            return max(qualities)
    return 0.0


def _media_range(part: str) -> tuple[str, float]:
    range_, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return range_, float(parameter[2:])
            except ValueError:
                return range_, 0.0
    return range_, 1.0


def is_json(content_type: str) -> bool:
    """Returns whether a Content-Type header stands for JSON in UTF-8."""
    media_type, *parameters = (piece.strip().lower() for piece in content_type.split(";"))
    charsets = [
        parameter.removeprefix("charset=").strip('"')
        for parameter in parameters
        if parameter[:8] == "charset="
    ]
    return media_type == JSON and all(charset in ("utf-8", "utf8") for charset in charsets)
