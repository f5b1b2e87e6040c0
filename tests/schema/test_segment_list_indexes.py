"""An index serves each order of the segments, from any position."""

from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from app.domain.segment_lists import ListPosition, SegmentOrder, SortValue
from app.store.collections import SEGMENT_NAME_COLLATION, SEGMENT_ORDER_FIELDS
from app.store.segment_lists import query_after
from tests.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime(2026, 3, 29, tzinfo=UTC)
SEGMENT_ID = "seg_6b0be3b9e2049cec10d67c70"
VALUES: dict[SegmentOrder, tuple[SortValue, ...]] = {
    SegmentOrder.CREATED: (NOW,),
    SegmentOrder.NAME: ("a name",),
    SegmentOrder.UPDATED: (NOW,),
    SegmentOrder.LAST_SIZE: (None, 5),
}


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", SegmentOrder)
async def test_no_page_is_sorted_in_memory(api: Api, order: SegmentOrder, descending: bool) -> None:
    field, direction = SEGMENT_ORDER_FIELDS[order], -1 if descending else 1
    positions = [ListPosition(value, SEGMENT_ID) for value in VALUES[order]]
    queries = [{}, *(query_after(field, after, descending=descending) for after in positions)]
    for query, selection in product(queries, ({}, {"kind": "STATIC"})):
        command: Json = {
            "find": "segments",
            "filter": {"$and": [selection, query]},
            "sort": {field: direction, "_id": direction},
            "limit": 10,
        }
        if order is SegmentOrder.NAME:
            command["collation"] = SEGMENT_NAME_COLLATION.document
        plan = api.database.command("explain", command, verbosity="queryPlanner")
        stages = list(list_stages(plan["queryPlanner"]["winningPlan"]))
        assert "IXSCAN" in stages, plan
        assert not {"SORT", "COLLSCAN"} & {*stages}, (query, stages)


def list_stages(plan: Any) -> list[str]:
    """Returns the stages of a plan."""
    if isinstance(plan, list):
        return [stage for part in plan for stage in list_stages(part)]
    if isinstance(plan, dict):
        inner = [stage for part in plan.values() for stage in list_stages(part)]
        return [plan["stage"], *inner] if "stage" in plan else inner
    return []
