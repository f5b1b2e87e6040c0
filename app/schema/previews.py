"""Previews in the API: what a filter would select, before it is saved."""

from datetime import datetime
from typing import Annotated

import strawberry

from app.schema.context import Info
from app.schema.customers import Customer, CustomerRef, read_customer_ref
from app.schema.customers_reading import reading_customers
from app.schema.filters import FilterInput
from app.schema.http.large_inputs import LargeInput
from app.schema.input_json import input_to_json
from app.schema.memberships import Overrides
from app.schema.paging import validate_page_size, validate_range
from app.schema.scalars import JSON, Long
from app.services.memberships import Judgement
from app.services.previews import Preview
from app.services.previews import SegmentDifference as StoredDifference
from app.services.query_planner import PlannedQuery
from app.worker_threads import run_in_thread_if_large

_DEFAULT_SAMPLE_SIZE = 10
_DEFAULT_SECONDS = 2.0
_MAX_SECONDS = 30

SampleFirst = Annotated[
    int | None, strawberry.argument(description="The maximum number of customers, from 1 to 100.")
]


@strawberry.type(description="The number of customers who match a filter.")
class PreviewSize:
    member_count: Long = strawberry.field(description="The number of members.")
    exact: bool = strawberry.field(description="False for an estimate.")
    margin_of_error: Long = strawberry.field(
        description="With a probability of 95%, an estimate differs from the true number by at"
        " most this much; 0 if the number is exact."
    )


@strawberry.type(
    description="The customers who would enter a segment, leave it and stay in it if it had the"
    " filter, all judged at the same instant."
)
class SegmentDifference:
    difference: strawberry.Private[StoredDifference]

    @strawberry.field(
        description="The number of customers who match the filter and are no members."
    )
    async def entering_count(self) -> Long:
        return Long(await self.difference.count(self.difference.entering))

    @strawberry.field(description="The number of members who do not match the filter.")
    async def leaving_count(self) -> Long:
        return Long(await self.difference.count(self.difference.leaving))

    @strawberry.field(description="The number of members who match the filter, too.")
    async def staying_count(self) -> Long:
        return Long(await self.difference.count(self.difference.staying))

    @strawberry.field(
        description="The first customers who would enter, in the order of their ids.",
    )
    async def entering(
        self, info: Info, first: SampleFirst = _DEFAULT_SAMPLE_SIZE
    ) -> list[Customer]:
        return await _first_customers(self.difference.entering, info, first)

    @strawberry.field(description="The first customers who would leave, in the order of their ids.")
    async def leaving(
        self, info: Info, first: SampleFirst = _DEFAULT_SAMPLE_SIZE
    ) -> list[Customer]:
        return await _first_customers(self.difference.leaving, info, first)


@strawberry.type(description="Whether a filter holds for a customer at one instant.")
class FilterJudgement:
    holds: bool = strawberry.field(description="Whether the filter holds.")
    evaluated_at: datetime = strawberry.field(description="The instant of evaluation.")
    judgement: strawberry.Private[Judgement]

    @strawberry.field(
        description="Condition by condition: what was wanted, what the customer has, and whether"
        " it holds."
    )
    async def explanation(self) -> JSON:
        return JSON(await self.judgement.explanation())

    @strawberry.field(
        description="When this will change by the passing of time alone; null where it won't."
    )
    async def changes_at(self) -> datetime | None:
        return await self.judgement.next_change_at()


@strawberry.type(description="What a filter selects now.")
class SegmentPreview:
    preview: strawberry.Private[Preview]

    @strawberry.field(description="The filter as one readable English sentence. Reads no customer.")
    def filter_text(self, info: Info) -> str:
        return info.context.services.previews.describe(self.preview)

    @strawberry.field(description="The number of customers who match the filter.")
    async def member_count(self, info: Info) -> Long:
        return Long(await info.context.services.previews.query(self.preview).count())

    @strawberry.field(
        description="The number of members: exact where it is found within the time, else an"
        " estimate from a sample."
    )
    async def size(
        self,
        info: Info,
        within_seconds: Annotated[
            float | None,
            strawberry.argument(
                description="How long MongoDB may count, from 0 to 30. The estimate takes some"
                " time more. 0 requests the estimate at once."
            ),
        ] = _DEFAULT_SECONDS,
    ) -> PreviewSize:
        seconds = _DEFAULT_SECONDS if within_seconds is None else within_seconds
        validate_range("withinSeconds", seconds, 0, _MAX_SECONDS)
        size = await info.context.services.previews.count_within(self.preview, seconds)
        return PreviewSize(
            member_count=Long(size.value),
            exact=size.is_exact,
            margin_of_error=Long(size.margin_of_error),
        )

    @strawberry.field(
        description="The first customers who match the filter, in the order of their ids."
    )
    async def sample(self, info: Info, first: SampleFirst = _DEFAULT_SAMPLE_SIZE) -> list[Customer]:
        query = info.context.services.previews.query(self.preview)
        return await _first_customers(query, info, first)

    @strawberry.field(
        description="Who would enter and who would leave if this filter replaced the segment's, at"
        " one instant. SEGMENT_CYCLE if the segment can't have the filter, because the filter"
        " contains the segment."
    )
    async def against(
        self,
        info: Info,
        segment_id: Annotated[
            strawberry.ID, strawberry.argument(description="The id of the segment, of any kind.")
        ],
    ) -> SegmentDifference:
        previews = info.context.services.previews
        return SegmentDifference(difference=await previews.compare(self.preview, segment_id))

    @strawberry.field(
        description="Whether the filter holds for one customer. `overrides` as in"
        " segmentMembership."
    )
    async def judge(
        self,
        info: Info,
        customer: Annotated[CustomerRef, strawberry.argument(description="The customer to judge.")],
        overrides: Overrides = None,
    ) -> FilterJudgement:
        ref = read_customer_ref(customer, "customer")
        judgement = await info.context.services.previews.judge(self.preview, ref, overrides)
        return FilterJudgement(
            holds=judgement.holds, evaluated_at=judgement.evaluated_at, judgement=judgement
        )


async def _first_customers(query: PlannedQuery, info: Info, first: int | None) -> list[Customer]:
    limit = validate_page_size(first, default_size=_DEFAULT_SAMPLE_SIZE)
    async with reading_customers(info) as reading:
        customers = await query.page(None, limit, with_metadata=reading.with_metadata)
        reading.count(customers)
    return [Customer.from_domain(customer) for customer in customers]


@strawberry.type
class PreviewQuery:
    @strawberry.field(
        extensions=[LargeInput()], description="What a filter would select, before it is saved."
    )
    async def segment_preview(
        self,
        info: Info,
        filter: Annotated[FilterInput, strawberry.argument(description="The filter to evaluate.")],
    ) -> SegmentPreview:
        services = info.context.services
        filter_json = await run_in_thread_if_large(input_to_json, filter)
        preview = await services.previews.parse(filter_json, info.context.now)
        info.context.add_hints(await services.filter_hints.find(filter_json, "filter"))
        return SegmentPreview(preview=preview)
