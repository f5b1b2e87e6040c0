"""Conversion of other systems' filters in the API."""

from typing import Annotated

import strawberry

from app.schema.context import Info
from app.schema.errors import UserError, attempt
from app.schema.scalars import JSON
from app.unicode_text import json_to_nfc


@strawberry.type(description="A filter of another system, converted to a filter of this API.")
class FilterConversion:
    filter: JSON | None = strawberry.field(
        description="The filter in the shape of FilterInput; null if a part has no counterpart."
    )
    filter_text: str | None = strawberry.field(
        description="The filter as a readable English sentence; null if a part has no counterpart."
    )
    user_errors: list[UserError] = strawberry.field(
        description="The parts of the filter that have no counterpart; empty on success."
    )


@strawberry.type
class FilterImportQuery:
    @strawberry.field(
        description="Converts the `filter` of a Voucherify segment to a filter of this API,"
        " with the metadata definitions of this project. The errors name the parts"
        " that have no counterpart."
    )
    async def filter_from_voucherify(
        self,
        info: Info,
        filter: Annotated[
            JSON, strawberry.argument(description="The value of `filter` in Voucherify's JSON.")
        ],
    ) -> FilterConversion:
        service = info.context.services.filter_import
        imported_filter, errors = await attempt(service.from_voucherify(json_to_nfc(filter)))
        return FilterConversion(
            filter=JSON(imported_filter.filter) if imported_filter else None,
            filter_text=imported_filter.text if imported_filter else None,
            user_errors=errors,
        )
