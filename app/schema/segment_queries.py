"""The queries for segments: one of them, and lists of them in several orders."""

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import strawberry

from app.domain.ids import EntityKind
from app.domain.segment_lists import ListPosition, SegmentOrder, SegmentSelection, SortValue
from app.domain.segments import Segment as StoredSegment
from app.domain.segments import SegmentKind
from app.schema.batch_loader import ObjectLoader
from app.schema.connections import Page, make_page
from app.schema.context import Info
from app.schema.enums import register_enum
from app.schema.paging import (
    DEFAULT_PAGE_SIZE,
    After,
    First,
    decode_order_cursor,
    encode_order_cursor,
    instant_to_milliseconds,
    invalid_cursor,
    milliseconds_to_instant,
    validate_page_size,
)
from app.schema.segments import Segment, SegmentConnection
from app.schema.selection import selects_field
from app.unicode_text import to_nfc

register_enum(
    SegmentOrder,
    "What a list of segments is sorted by.",
    {
        "CREATED": "The time of their creation.",
        "NAME": "Their names, without regard to case.",
        "UPDATED": "The time of their last change.",
        "LAST_SIZE": "Their last noted sizes. Segments that have none count as the smallest.",
    },
)

_UNKNOWN_SIZE = "unknown"
# Every number of at most 18 digits fits into a Long.
_SIZE = re.compile(r"[0-9]{1,18}")


@strawberry.type
class SegmentQuery:
    @strawberry.field(description="The segment with this id; null if there is none.")
    async def segment(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of the segment.")],
    ) -> Segment | None:
        stored_segment = await info.context.services.segments.get(id)
        return Segment.from_domain(stored_segment) if stored_segment else None

    @strawberry.field(graphql_type=SegmentConnection, description="A page of segments.")
    async def segments(
        self,
        info: Info,
        first: First = DEFAULT_PAGE_SIZE,
        after: After = None,
        search: Annotated[
            str | None, strawberry.argument(description="A part of the name. Case does not matter.")
        ] = None,
        kinds: Annotated[
            list[SegmentKind] | None,
            strawberry.argument(description="Only segments of these kinds. Default: all kinds."),
        ] = None,
        unused: Annotated[
            bool | None,
            strawberry.argument(
                description="True for segments that nothing uses, false for those that something"
                " uses. Default: both."
            ),
        ] = None,
        order_by: Annotated[
            SegmentOrder | None,
            strawberry.argument(
                description="What the segments are sorted by. A cursor is valid for one order."
            ),
        ] = SegmentOrder.CREATED,
        descending: Annotated[
            bool | None, strawberry.argument(description="Whether the greatest comes first.")
        ] = False,
    ) -> Page[StoredSegment]:
        first = validate_page_size(first)
        order = order_by or SegmentOrder.CREATED
        selection = SegmentSelection(to_nfc(search) if search else None, kinds, unused)
        service = info.context.services.segments
        rows = await service.page(
            selection,
            first + 1,
            order=order,
            descending=bool(descending),
            after=_decode_cursor(after, order),
        )
        positions = {segment.id: position for segment, position in rows}
        segments = [segment for segment, _ in rows]
        await _prefetch(info, segments)
        return make_page(
            segments,
            first,
            after,
            lambda segment: _encode_cursor(order, positions[segment.id]),
            partial(service.count, selection),
        )


def _encode_cursor(order: SegmentOrder, position: ListPosition) -> str:
    match position.value:
        case None:
            sort_text = _UNKNOWN_SIZE
        case datetime() as instant:
            sort_text = str(instant_to_milliseconds(instant))
        case value:
            sort_text = str(value)
    return encode_order_cursor(order.value, sort_text, position.segment_id)


def _decode_cursor(cursor: str | None, order: SegmentOrder) -> ListPosition | None:
    if cursor is None:
        return None
    sort_text, id_ = decode_order_cursor(cursor, order.value, EntityKind.SEGMENT)
    value: SortValue
    match order:
        case SegmentOrder.CREATED | SegmentOrder.UPDATED:
            value = milliseconds_to_instant(sort_text)
        case SegmentOrder.NAME:
            value = sort_text
        case SegmentOrder.LAST_SIZE if sort_text == _UNKNOWN_SIZE:
            value = None
        case SegmentOrder.LAST_SIZE if _SIZE.fullmatch(sort_text):
            value = int(sort_text)
        case _:
            raise invalid_cursor()
    return ListPosition(value, id_)


async def _prefetch(info: Info, segments: Sequence[StoredSegment]) -> None:
    """Reads what the rows of a page of segments need of the definitions."""
    loaders = info.context.loaders
    selected_loaders: dict[str, ObjectLoader[StoredSegment, Any]] = {
        "filterText": loaders.filter_texts,
        "usedBy": loaders.segment_uses,
    }
    await asyncio.gather(
        *(
            loader.prefetch(segments)
            for field, loader in selected_loaders.items()
            if selects_field(info, field)
        )
    )
