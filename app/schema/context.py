"""The context of an operation: the services, and the one instant at which it evaluates."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import strawberry

from app.domain.api_keys import Caller
from app.domain.hints import Hint
from app.filters import Now
from app.schema.loaders import Loaders
from app.schema.metadata_budget import MetadataBudget
from app.services import Services
from app.services.definitions import Definitions


@dataclass(slots=True)
class Context:
    """The context of one operation, or of one event of a subscription.

    `caller` is who runs it; the roles of fields are checked against it.
    `download_base` returns the scheme and the host that the client uses, the base of URLs for it.
    `last_event_id` is the header Last-Event-ID, which a browser sends when it reconnects to a
    stream of server-sent events: the cursor of the last event that it received.
    `response_extensions` is the `extensions` of the response.
    """

    services: Services
    now: Now
    caller: Caller
    download_base: Callable[[], str]
    last_event_id: str | None = None
    response_extensions: dict[str, Any] = field(default_factory=dict)
    _definitions: Definitions | None = field(default=None)
    _loaders: Loaders | None = field(default=None)
    _metadata_budget: MetadataBudget | None = field(default=None)

    def add_hints(self, hints: Iterable[Hint]) -> None:
        """Adds hints about a filter of the request to `extensions.hints` of the response."""
        for hint in hints:
            hint_json = {"message": hint.message, "path": list(hint.path)}
            self.response_extensions.setdefault("hints", []).append(hint_json)

    @property
    def loaders(self) -> Loaders:
        """Loaders that batch concurrent reads into one query."""
        if self._loaders is None:
            self._loaders = Loaders(self.services, self.now)
        return self._loaders

    @property
    def metadata_budget(self) -> MetadataBudget:
        """The metadata that the operation may still read."""
        if self._metadata_budget is None:
            self._metadata_budget = MetadataBudget()
        return self._metadata_budget

    @property
    def definitions(self) -> Definitions | None:
        """The definitions that `load_definitions` returns; None before its first call."""
        return self._definitions

    async def load_definitions(self) -> Definitions:
        """Returns the definitions. All calls of an operation return the same ones."""
        if self._definitions is None:
            self._definitions = await self.services.definitions.latest()
        return self._definitions


Info = strawberry.Info[Context, None]
