"""The segments of the sample shop, in the shape of SegmentCreateInput, and the names of its
distribution."""

from typing import Any

from app.domain.segment_lists import SegmentSelection
from app.domain.segments import Segment
from app.services.sample.shop import Row, source_id
from app.services.services import Services


def _segment(name: str, description: str, **definition: Any) -> Row:
    return {"name": name, "description": description, "definition": definition}


def _attribute(path: str, operator: str, value: Any) -> Row:
    return {"attribute": {"path": path, "operator": operator, "value": value}}


_VIP = _attribute("metadata.vip", "IS", True)

DISTRIBUTION_NAME = "Greeting of newsletter readers"
DISTRIBUTION_SEGMENT = "Newsletter readers"
RECEIVER_URL = "http://127.0.0.1:8001/"
"""Where `segments receive` listens."""

SEGMENTS = (
    _segment("VIPs", "Customers with VIP status.", filter=_VIP),
    _segment(
        "Bought three times this quarter",
        "Three orders or more in the last 90 days.",
        filter={"event": {"name": "order", "within": {"last": "P90D"}, "value": 3}},
    ),
    _segment(
        "Bought shoes twice this quarter",
        "Bought shoes at least twice in the last 90 days, in one order or in several.",
        filter={
            "event": {
                "name": "order.item",
                "where": [{"path": "category", "operator": "IS", "value": "shoes"}],
                "within": {"last": "P90D"},
                "value": 2,
            }
        },
    ),
    _segment(
        "Gone quiet",
        "Customers whose last order is more than half a year ago.",
        filter={
            "all": [
                _attribute("orders.totalCount", "GREATER_THAN_OR_EQUAL", 1),
                _attribute("orders.lastOrderAt", "MORE_THAN_AGO", "P182D"),
            ]
        },
    ),
    _segment(
        "Readers who do not buy",
        "Customers who open the newsletter but have never ordered.",
        filter={
            "all": [
                {"event": {"name": "newsletter_opened", "within": {"last": "P90D"}}},
                {"none": [{"event": {"name": "order"}}]},
            ]
        },
    ),
    _segment(
        "Beta testers",
        "A fixed list of customers.",
        customers=[{"sourceId": source_id(number)} for number in range(11, 51)],
    ),
    _segment(
        "VIPs at the opening",
        "Customers who were VIPs when the sample was loaded.",
        snapshot=_VIP,
    ),
    _segment(
        DISTRIBUTION_SEGMENT,
        "Customers who get the newsletter. A distribution greets those who join.",
        filter=_attribute("metadata.newsletter", "IS", True),
    ),
)


async def find_segment(services: Services, name: str) -> Segment:
    """Returns the segment of the sample with this name."""
    (listed,) = await services.segments.page(SegmentSelection(search=name), 1)
    return listed.segment
