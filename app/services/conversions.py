"""Filters of other systems, turned into ours."""

from dataclasses import dataclass
from typing import Any

from app.filters import canonical, parse, text, voucherify
from app.services.definitions import DefinitionsReader


@dataclass(frozen=True)
class Conversion:
    """A filter in the shape that is sent for a segment, and in words."""

    filter: dict[str, Any]
    text: str


class Conversions:
    """The verbs of moving here."""

    def __init__(self, definitions: DefinitionsReader) -> None:
        self._definitions = definitions

    async def from_voucherify(self, theirs: object) -> Conversion:
        """The filter of a segment of Voucherify's. Refused names what has no counterpart."""
        catalog = (await self._definitions.now()).catalog
        ours = voucherify.translate(theirs, catalog, "filter")
        return Conversion(canonical(ours), text(parse(ours, catalog, "filter")))
