"""What a filter editor needs: the paths that a filter may use, and the values seen there."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.domain.metadata import to_json
from app.errors import Code, refuse
from app.filters import operators
from app.filters.fields import FIELDS, AttributeType, Field
from app.filters.operators import Operator
from app.filters.values import UnreadableError, text
from app.services.definitions import DefinitionsReader
from app.store import Store

MEASURES = ("count", "firstAt", "lastAt")


@dataclass(frozen=True)
class Attribute:
    """A path with its type, and the operators that fit it."""

    field: Field
    type: AttributeType
    operators: tuple[Operator, ...]


class Attributes:
    """The questions that an editor of filters asks."""

    def __init__(self, store: Store, definitions: DefinitionsReader) -> None:
        self._store = store
        self._definitions = definitions

    async def all(self) -> list[Attribute]:
        """Every known path: standard ones, metadata defined or seen, and the names of events."""
        catalog = (await self._definitions.now()).catalog
        seen = await self._store.seen.metadata()
        names = await self._store.events.names()
        paths = [f"metadata.{key}" for key in sorted({*catalog.metadata, *seen})]
        paths += [f"events.{name}.{measure}" for name in sorted(names) for measure in MEASURES]
        fields = [*FIELDS, *filter(None, map(catalog.find, paths))]
        return list(_typed(fields, seen))

    async def suggestions(self, path: str, prefix: str | None, most: int) -> list[Any]:
        """Values seen at a path, the most frequent first."""
        catalog = (await self._definitions.now()).catalog
        field = catalog.find(path)
        if field is None:
            message = f"There is no such attribute; the nearest is {catalog.nearest(path)!r}."
            raise refuse(Code.UNKNOWN_ATTRIBUTE, message, "path")
        if prefix is not None:
            _require_text(prefix)
        found = await self._store.seen.frequent(field, prefix, most)
        return [_shown(field, value) for value in found]


def _typed(fields: list[Field], seen: dict[str, tuple[AttributeType, bool]]) -> Iterator[Attribute]:
    """Each field with its type: where it has none, with that of the values seen."""
    for field in fields:
        type_, is_array = field.type, field.is_array
        if type_ is None:
            type_, is_array = seen[field.stored[-1]]
        known = replace(field, type=type_, is_array=is_array)
        yield Attribute(known, type_, tuple(o for o in operators.OPERATORS if o.fits(known)))


def _require_text(prefix: str) -> None:
    try:
        text(prefix)
    except UnreadableError as error:
        raise refuse(Code.INVALID_VALUE, f"The prefix {error}.", "prefix") from None


def _shown(field: Field, value: Any) -> Any:
    """A stored value as a filter takes it."""
    is_day = field.type is AttributeType.DATE and isinstance(value, datetime)
    return value.date().isoformat() if is_day else to_json(value)
