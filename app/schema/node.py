"""Whatever has an id."""

import strawberry


@strawberry.interface(description="Whatever has an id; ids are opaque.")
class Node:
    id: strawberry.ID
