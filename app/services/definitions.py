"""What filters rest on, parsed once for each revision: segments and the metadata's types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.domain.metadata import Metadata, metadata
from app.domain.segments import Segment
from app.filters import Calendar, Catalog, Filter, parse
from app.store import Store

Wire = Mapping[str, Any]


@dataclass(frozen=True)
class Definitions:
    """All definitions as of one revision."""

    revision: int
    metadata: Metadata
    segments: Mapping[str, Segment]
    _trees: dict[str, Filter] = field(default_factory=dict)

    @cached_property
    def catalog(self) -> Catalog:
        return self.metadata.catalog()

    def tree(self, segment: Segment) -> Filter | None:
        """The segment's filter, parsed when it is first asked for; None where it is static."""
        if segment.filter is None:
            return None
        if self.segments.get(segment.id) != segment:
            # It was read before or after these definitions: what it says is not to be kept.
            return parse(segment.filter, self.catalog)
        if segment.id not in self._trees:
            self._trees[segment.id] = parse(segment.filter, self.catalog)
        return self._trees[segment.id]


class DefinitionsReader:
    """Keeps the newest definitions that were asked for. Every change of a definition raises the
    revision in the same transaction, so a copy of the same revision is as good as the original."""

    def __init__(self, store: Store, calendar: Calendar) -> None:
        self._store = store
        self._calendar = calendar
        self._kept: Definitions | None = None

    async def now(self) -> Definitions:
        return await self.at_least(await self._store.segments.revision())

    async def parse(self, wire: Wire, *path: str) -> Filter:
        """The tree of a filter that nobody has saved yet."""
        return parse(wire, (await self.now()).catalog, *path)

    async def at_least(self, revision: int) -> Definitions:
        """The definitions as of that revision, or of a later one."""
        kept = self._kept
        if kept is None or kept.revision < revision:
            kept = await self._read()
            self._kept = kept
        return kept

    async def _read(self) -> Definitions:
        while True:
            revision = await self._store.segments.revision()
            segments = {segment.id: segment for segment in await self._store.segments.all()}
            defined = metadata(self._calendar, await self._store.metadata.all())
            if revision == await self._store.segments.revision():
                return Definitions(revision, defined, segments)
