"""Connections: the pages that list fields return, after Relay's cursor connections.

A resolver returns a `Page` of domain objects. The GraphQL types in this module read it: they are
never instantiated. Each list has its own connection type, a subclass that names the node type.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import strawberry

from app.schema.node import to_node
from app.schema.scalars import Long

Item = TypeVar("Item")
NodeType = TypeVar("NodeType")
CountFunction = Callable[[], Awaitable[int]]


@strawberry.type(
    description="Where a page lies in its list. `first` is 1 to 100, of members to 1,000."
    " Cursors are opaque, stand for a key and not for a count, and stay good while"
    " rows come and go."
)
class PageInfo:
    has_next_page: bool = strawberry.field(
        description="Whether the list continues after this page."
    )
    has_previous_page: bool = strawberry.field(
        description="Whether the page was requested with `after`."
    )
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first item; null if the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last item; null if the page is empty. Pass it as `after`"
        " to read the next page."
    )


@dataclass(frozen=True)
class PageEdge(Generic[Item]):
    """A domain object of a page, with the function that makes its cursor."""

    item: Item
    encode_cursor: Callable[[Item], str]

    @property
    def cursor(self) -> str:
        """The cursor of the page that follows the item."""
        return self.encode_cursor(self.item)

    @property
    def node(self) -> object:
        return to_node(self.item)


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A page of domain objects. `count` computes the length of the whole list."""

    edges: list[PageEdge[Item]]
    page_info: PageInfo
    count: CountFunction | None = None

    @property
    def nodes(self) -> list[object]:
        return [edge.node for edge in self.edges]


def make_page(
    rows: Sequence[Item],
    first: int,
    after: str | None,
    encode_cursor: Callable[[Item], str],
    count: CountFunction | None = None,
) -> Page[Item]:
    """Returns a page of the first `first` rows.

    The caller reads one row more than that, which shows whether there is a next page.
    """
    edges = [PageEdge(item, encode_cursor) for item in rows[:first]]
    info = PageInfo(
        has_next_page=len(rows) > first,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Page(edges, info, count)


@strawberry.type(description="An item of a page with its cursor.")
class Edge(Generic[NodeType]):
    cursor: str = strawberry.field(
        description="The position of the item in the list. Pass it as `after` to read on from here."
    )
    node: NodeType = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[NodeType]):
    edges: Sequence[Edge[NodeType]] = strawberry.field(
        description="The items of the page, each with its cursor."
    )
    nodes: Sequence[NodeType] = strawberry.field(
        description="The items of the page without their cursors."
    )
    page_info: PageInfo = strawberry.field(
        description="Where the page begins and ends, and whether there are more."
    )


@strawberry.type(description="A page of a list whose items can be counted.")
class CountedConnection(Connection[NodeType], Generic[NodeType]):
    @strawberry.field(
        description="The length of the whole list. The server computes it only if it is requested."
    )
    async def total_count(self, page: strawberry.Parent[Page[Any]]) -> Long:
        assert page.count is not None, "the resolver of a counted connection sets `count`"
        return Long(await page.count())
