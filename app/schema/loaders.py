"""Data loaders: they batch the concurrent reads of many fields by id into one query.

They cache nothing, so that each mutation of an operation sees the changes of those before.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from strawberry.dataloader import DataLoader

from app.services import Services

Item = TypeVar("Item")


def make_loader(
    read_by_ids: Callable[[list[str]], Awaitable[Mapping[str, Item]]],
) -> DataLoader[str, Item | None]:
    """Returns a loader over `read_by_ids`. It returns None for an unknown id."""

    async def load(ids: list[str]) -> list[Item | None]:
        items = await read_by_ids(list(dict.fromkeys(ids)))
        return [items.get(id_) for id_ in ids]

    return DataLoader(load, cache=False)


class Loaders:
    """The loaders of an operation, one for each kind of object. Unknown ids load None."""

    def __init__(self, services: Services) -> None:
        self.known_events = make_loader(services.attributes.known_events)
        self.customers = make_loader(services.customers.get_many)
        self.segments = make_loader(services.segments.get_many)
        self.transitions = make_loader(services.transitions.get_many)
        self.programs = make_loader(services.loyalty.get_programs)
        self.code_pools = make_loader(services.code_pools.get_many)
        self.rules = make_loader(services.loyalty.get_rules)
        self.users = make_loader(services.get_users)
        self.rules_by_program = make_loader(services.loyalty.rules_by_program)
        self.code_pools = make_loader(services.code_pools.get_many)
        self.delivery_counts = make_loader(services.deliveries.count_by_status)
