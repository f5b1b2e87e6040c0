"""What many fields ask for by id at the same time is read in one question.

Nothing is kept: what a mutation has changed, the next one sees.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from strawberry.dataloader import DataLoader

from app.services import Services

Item = TypeVar("Item")


def by_id(
    read: Callable[[list[str]], Awaitable[Mapping[str, Item]]],
) -> DataLoader[str, Item | None]:
    async def load(ids: list[str]) -> list[Item | None]:
        found = await read(list(dict.fromkeys(ids)))
        return [found.get(id_) for id_ in ids]

    return DataLoader(load, cache=False)


class Loaders:
    """One attribute a noun; None for what is not there."""

    def __init__(self, services: Services) -> None:
        self.customers = by_id(services.customers.named)
        self.segments = by_id(services.segments.named)
        self.transitions = by_id(services.transitions.named)
        self.programs = by_id(services.loyalty.programs_named)
        self.rules = by_id(services.loyalty.rules_named)
        self.rules_of = by_id(services.loyalty.rules_of)
