"""The segments of a shop, with the sizes that workers would have sampled."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import MongoClient

from app.domain.ids import EntityKind
from app.domain.segment_sizes import FULL_RESOLUTION_RETENTION
from app.store.ids import to_object_id
from tests.benchmarks.million.build import DATABASE, program_settings
from tests.benchmarks.million.filter_case import Wire, attribute, event
from tests.dashboard.dashboard import Dashboard
from tests.dashboard.sizes import add_sizes

SEGMENTS = 100
TYPED_PATH = "address.line1"
_HOURS = 30 * 24
_DELETE = "mutation($id: ID!) { segmentDelete(id: $id) { userErrors { message } } }"
_LIST = "query { segments(first: 100) { nodes { id } } }"


@dataclass(frozen=True)
class ShopSegments:
    """The ids of two segments."""

    half: str
    """Has half of all customers, and is the first one of the list."""
    typed: str
    """Has the filter that is edited."""


@contextmanager
def segments_with_sizes(dashboard: Dashboard, mongodb_url: str) -> Iterator[ShopSegments]:
    """Creates the segments, each with a size for every hour of 30 days; deletes them at the end."""
    # An interrupted run leaves its segments.
    _delete_segments(dashboard)
    try:
        ids = [
            dashboard.create_segment(f"Segment {number:03}", {"filter": filter_})
            for number, filter_ in enumerate(_filters())
        ]
        _add_sizes(mongodb_url, ids)
        yield ShopSegments(half=ids[0], typed=ids[-1])
    finally:
        _delete_segments(dashboard)


def _filters() -> Iterator[Wire]:
    yield attribute("metadata.plan", "IS_NOT", "free")
    for number in range(1, SEGMENTS - 1):
        yield _filter_of(number)
    yield {"all": [attribute(TYPED_PATH, "CONTAINS", "Road")]}


def _filter_of(number: int) -> Wire:
    match number % 4:
        case 0:
            return attribute("metadata.points", "BETWEEN", [500 * number, 500 * number + 5_000])
        case 1:
            return attribute("metadata.city", "STARTS_WITH", ("San ", "Bad ", "New ")[number % 3])
        case 2:
            return attribute("orders.totalCount", "GREATER_THAN_OR_EQUAL", 1 + number % 8)
    return event("purchase", 1 + number % 3, 30 + number)


def _add_sizes(mongodb_url: str, segment_ids: list[str]) -> None:
    """Inserts the history directly: a transaction for each of the sizes takes too long. The last
    size is also a part of the segment."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with MongoClient[dict[str, Any]](mongodb_url) as client:
        for number, segment_id in enumerate(segment_ids):
            segment = to_object_id(EntityKind.SEGMENT, segment_id)
            instants = [now - timedelta(hours=age) for age in range(_HOURS - 1, 0, -1)]
            client[DATABASE].segmentSizes.insert_many(
                {
                    "_id": {"segment": segment, "slot": at},
                    "at": at,
                    "memberCount": 1_000 * number + 7 * (at.hour + at.day),
                    "expiresAt": at + FULL_RESOLUTION_RETENTION,
                }
                for at in instants
            )
    for segment_id in segment_ids:
        add_sizes(program_settings(mongodb_url), segment_id, {timedelta(0): 12_345})


def _delete_segments(dashboard: Dashboard) -> None:
    while nodes := dashboard.execute(_LIST)["nodes"]:
        for node in nodes:
            payload = dashboard.execute(_DELETE, id=node["id"])
            assert not payload["userErrors"], payload
