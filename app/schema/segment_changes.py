"""What was done to a segment, in the API."""

from datetime import datetime

import strawberry

from app.domain.segment_changes import RecordedChange, SegmentChangeKind
from app.domain.uses import Use
from app.schema.connections import Connection
from app.schema.enums import register_enum
from app.schema.node import to_node
from app.schema.scalars import JSON
from app.schema.segments import SegmentUse

register_enum(
    SegmentChangeKind,
    "What was done to a segment.",
    {
        "CREATED": "It was created.",
        "RENAMED": "It got another name.",
        "FILTER_EDITED": "It got another filter.",
        "ACTIVATED": "It became active: `use` needs its transitions.",
    },
)


@strawberry.type(description="One change of a segment.")
class SegmentChange:
    at: datetime = strawberry.field(description="When it changed.")
    kind: SegmentChangeKind = strawberry.field(description="What was done.")
    by: str | None = strawberry.field(
        description="The name of the key that did it; null where keys are off."
    )
    filter_before: JSON | None = strawberry.field(
        description="The filter before an edit; null for another change."
    )
    filter_after: JSON | None = strawberry.field(
        description="The filter after an edit or at the creation; null for another change, and for"
        " a static segment."
    )
    stored_use: strawberry.Private[Use | None]

    @strawberry.field(
        graphql_type=SegmentUse | None,
        description="What made the segment active; null for another change.",
    )
    def use(self) -> Use | None:
        return self.stored_use

    @classmethod
    def from_domain(cls, recorded_change: RecordedChange) -> "SegmentChange":
        change = recorded_change.change
        return cls(
            at=change.at,
            kind=change.kind,
            by=change.by,
            filter_before=None if change.filter_before is None else JSON(change.filter_before),
            filter_after=None if change.filter_after is None else JSON(change.filter_after),
            stored_use=change.use,
        )


to_node.register(RecordedChange, SegmentChange.from_domain)


@strawberry.type(description="A page of the changes of a segment.")
class SegmentChangeConnection(Connection[SegmentChange]):
    pass
