"""What an editor of filters needs, in the API."""

import strawberry

from app.filters.fields import AttributeType, Group
from app.schema.context import Info
from app.schema.filters import Operator
from app.schema.paging import check_first
from app.schema.scalars import JSON
from app.services.attributes import Attribute

strawberry.enum(Group, name="FilterAttributeGroup")


@strawberry.type
class OperatorInfo:
    operator: Operator
    label: str
    takes: str


@strawberry.type(
    description="A path that a filter may use, with what is known about it: for building a filter"
    " editor."
)
class FilterAttribute:
    path: str
    label: str
    group: Group
    type: AttributeType
    is_array: bool
    operators: list[OperatorInfo]

    @classmethod
    def of(cls, attribute: Attribute) -> "FilterAttribute":
        field = attribute.field
        return cls(
            path=field.path,
            label=field.label,
            group=field.group,
            type=attribute.type,
            is_array=field.is_array,
            operators=[
                OperatorInfo(operator=Operator[o.name], label=o.label, takes=o.takes.words)
                for o in attribute.operators
            ],
        )


@strawberry.type
class AttributeQuery:
    @strawberry.field(description="The paths that a filter may use, metadata seen among them.")
    async def filter_attributes(self, info: Info) -> list[FilterAttribute]:
        return [FilterAttribute.of(a) for a in await info.context.services.attributes.all()]

    @strawberry.field(
        description="Values seen for a path, the most frequent first: for an editor's completion."
    )
    async def filter_value_suggestions(
        self, info: Info, path: str, prefix: str | None = strawberry.UNSET, first: int | None = 20
    ) -> list[JSON]:
        most = check_first(first, usual=20)
        service = info.context.services.attributes
        return [JSON(value) for value in await service.suggestions(path, prefix or None, most)]
