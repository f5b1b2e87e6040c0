"""What an operation carries: the services, and the one instant that serves all of it."""

from dataclasses import dataclass, field

import strawberry

from app.filters import Now
from app.schema.loaders import Loaders
from app.services import Services
from app.services.definitions import Definitions


@dataclass(slots=True)
class Context:
    """Made afresh for each operation, and for each event of a subscription. A stream of events that
    was cut off says the cursor that it had come to in its header Last-Event-ID."""

    services: Services
    now: Now
    last_event_id: str | None = None
    _definitions: Definitions | None = field(default=None)
    _loaders: Loaders | None = field(default=None)

    @property
    def loaders(self) -> Loaders:
        """What is asked for by id at the same time, in one question."""
        if self._loaders is None:
            self._loaders = Loaders(self.services)
        return self._loaders

    async def load_definitions(self) -> Definitions:
        """The definitions as of the first time that this operation asks."""
        if self._definitions is None:
            self._definitions = await self.services.definitions.latest()
        return self._definitions


Info = strawberry.Info[Context, None]
