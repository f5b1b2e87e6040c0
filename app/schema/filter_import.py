"""Filters of other systems in the API."""

import strawberry

from app.schema.context import Info
from app.schema.errors import UserError, attempt
from app.schema.scalars import JSON


@strawberry.type
class FilterConversion:
    filter: JSON | None = strawberry.field(
        description="The filter in the shape of FilterInput; null where a part has no counterpart."
    )
    filter_text: str | None = strawberry.field(description="The filter in words.")
    user_errors: list[UserError]


@strawberry.type
class FilterImportQuery:
    @strawberry.field(
        description="Turns the `filter` of a segment of Voucherify's into one of ours, as the"
        " metadata that is defined here has it. What has no counterpart is named."
    )
    async def filter_from_voucherify(self, info: Info, filter: JSON) -> FilterConversion:
        service = info.context.services.filter_import
        imported_filter, errors = await attempt(service.from_voucherify(filter))
        return FilterConversion(
            filter=JSON(imported_filter.filter) if imported_filter else None,
            filter_text=imported_filter.text if imported_filter else None,
            user_errors=errors,
        )
