"""Filters of other systems, turned into ours."""

from dataclasses import dataclass
from typing import Any

from app.filters import canonical, describe, parse, voucherify
from app.services.definitions import DefinitionsReader


@dataclass(frozen=True)
class ImportedFilter:
    """A filter in the shape that is sent for a segment, and in words."""

    filter: dict[str, Any]
    text: str


class FilterImport:
    """The verbs of moving here."""

    def __init__(self, definitions: DefinitionsReader) -> None:
        self._definitions = definitions

    async def from_voucherify(self, voucherify_filter: object) -> ImportedFilter:
        """The filter of a segment of Voucherify's. Refused names what has no counterpart."""
        catalog = (await self._definitions.latest()).catalog
        converted_filter = voucherify.translate(voucherify_filter, catalog, "filter")
        return ImportedFilter(
            canonical(converted_filter), describe(parse(converted_filter, catalog, "filter"))
        )
