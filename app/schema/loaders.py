"""What many fields ask for by id at the same time is read in one question.

Nothing is kept: what a mutation has changed, the next one sees.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from strawberry.dataloader import DataLoader

from app.services import Services

Item = TypeVar("Item")


def make_loader(
    read_by_ids: Callable[[list[str]], Awaitable[Mapping[str, Item]]],
) -> DataLoader[str, Item | None]:
    async def load(ids: list[str]) -> list[Item | None]:
        items = await read_by_ids(list(dict.fromkeys(ids)))
        return [items.get(id_) for id_ in ids]

    return DataLoader(load, cache=False)


class Loaders:
    """One attribute a noun; None for what is not there."""

    def __init__(self, services: Services) -> None:
        self.customers = make_loader(services.customers.get_many)
        self.segments = make_loader(services.segments.get_many)
        self.transitions = make_loader(services.transitions.get_many)
        self.programs = make_loader(services.loyalty.get_programs)
        self.rules = make_loader(services.loyalty.get_rules)
        self.rules_by_program = make_loader(services.loyalty.rules_by_program)
