"""The Node interface, and the conversion of domain objects to the GraphQL types that show them."""

from functools import singledispatch

import strawberry


@strawberry.interface(description="An object that `node` finds by its id. Ids are opaque.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="The id, unique among all objects. It never changes."
    )


@singledispatch
def to_node(item: object) -> object:
    """Converts a domain object to its GraphQL type.

    The module of each type registers its conversion. A resolver can thus return domain objects
    whose GraphQL type it can't import without an import cycle.
    """
    raise TypeError(f"no GraphQL type is registered for {type(item).__name__}")
