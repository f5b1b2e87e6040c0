"""Import of filters from other systems."""

from dataclasses import dataclass
from typing import Any

from app.filters import canonical, describe, parse, voucherify
from app.services.definitions_reader import DefinitionsReader


@dataclass(frozen=True)
class ImportedFilter:
    """A translated filter in the shape of FilterInput, and as an English sentence."""

    filter: dict[str, Any]
    text: str


class FilterImport:
    """Translates filters of other systems to FilterInput."""

    def __init__(self, definitions: DefinitionsReader) -> None:
        self._definitions = definitions

    async def from_voucherify(self, voucherify_filter: object) -> ImportedFilter:
        """Translates the filter of a Voucherify segment. Raises InputError that names the parts
        without a counterpart."""
        catalog = (await self._definitions.latest()).input_catalog
        converted_filter = voucherify.translate(voucherify_filter, catalog, "filter")
        return ImportedFilter(
            canonical(converted_filter), describe(parse(converted_filter, catalog, "filter"))
        )
