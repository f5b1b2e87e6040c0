"""The loaders of an operation: they read what the rows of a list need in batches.

They cache nothing, so that each mutation of an operation sees the changes of those before.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial
from typing import TypeVar

from app.filters import Now
from app.schema.batch_loader import BatchLoader, ObjectLoader
from app.services import Services

Id = TypeVar("Id")
Item = TypeVar("Item")


def make_loader(
    read_by_ids: Callable[[list[Id]], Awaitable[Mapping[Id, Item]]],
) -> BatchLoader[Id, Item | None]:
    """Returns a loader over `read_by_ids`. It returns None for an unknown id."""

    async def load(ids: list[Id]) -> list[Item | None]:
        items = await read_by_ids(list(dict.fromkeys(ids)))
        return [items.get(id_) for id_ in ids]

    return BatchLoader(load)


class Loaders:
    """The loaders of an operation, one for each kind of object, and one for each field that needs
    a query.

    The loader of a field with arguments is a function, which returns a loader for the arguments.
    """

    def __init__(self, services: Services, now: Now) -> None:
        self.known_events = make_loader(services.attributes.known_events)
        # Objects by id; None for an unknown id.
        self.customers = cache(
            lambda with_metadata: make_loader(
                partial(services.customers.get_many, with_metadata=with_metadata)
            )
        )
        self.segments = make_loader(services.segments.get_many)
        self.transitions = make_loader(services.transitions.get_many)
        self.programs = make_loader(services.loyalty.get_programs)
        self.code_pools = make_loader(services.code_pools.get_many)
        self.rules = make_loader(services.loyalty.get_rules)
        self.users = make_loader(services.get_users)

        # Fields of objects, by the id of the object.
        self.rules_by_program = make_loader(services.loyalty.rules_by_program)
        self.delivery_counts = make_loader(services.deliveries.count_by_status)
        self.pool_uses = make_loader(services.code_pools.uses)
        self.timelines = cache(
            lambda after, limit: make_loader(
                partial(services.timeline.pages, after=after, limit=limit)
            )
        )
        self.ledgers = cache(
            lambda after, limit: make_loader(
                partial(services.loyalty.ledgers, after=after, limit=limit)
            )
        )
        self.delivery_pages = cache(
            lambda statuses, after, limit: make_loader(
                partial(services.deliveries.pages, statuses=statuses, after=after, limit=limit)
            )
        )
        self.size_histories = cache(
            lambda start_at, end_at, max_points: make_loader(
                partial(
                    services.segment_sizes.histories,
                    start_at=start_at,
                    end_at=end_at,
                    max_points=max_points,
                    now=now,
                )
            )
        )
        self.segment_transitions = cache(
            lambda type_, before, limit: make_loader(
                partial(
                    services.transitions.latest_of_segments,
                    type_=type_,
                    before_sequence=before,
                    limit=limit,
                )
            )
        )
        self.segment_changes = cache(
            lambda after, limit: make_loader(
                partial(services.segments.changes, after=after, limit=limit)
            )
        )
        self.last_sizes = make_loader(services.segment_sizes.last)
        # By the ids of an active segment and of a customer.
        self.entered_at = make_loader(services.segment_members.entered_at)

        # Fields of objects that have been read, by the object.
        self.segments_of_customers = ObjectLoader(
            partial(services.memberships.segments_of, now=now)
        )
        self.segment_uses = ObjectLoader(services.segments.uses)
        self.filter_texts = ObjectLoader(services.segments.filter_texts)
        self.rule_texts = ObjectLoader(services.validation_rules.filter_texts)
        self.member_counts = ObjectLoader(partial(services.segment_members.counts, now=now))
        self.member_pages = cache(
            lambda after, limit, with_metadata: ObjectLoader(
                partial(
                    services.segment_members.pages,
                    after=after,
                    limit=limit,
                    now=now,
                    with_metadata=with_metadata,
                )
            )
        )
