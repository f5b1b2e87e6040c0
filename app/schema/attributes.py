"""What an editor of filters needs, in the API."""

import strawberry

from app.filters.fields import AttributeType, FieldGroup
from app.schema.context import Info
from app.schema.filters import Operator
from app.schema.paging import validate_page_size
from app.schema.scalars import JSON
from app.services.attributes import Attribute

strawberry.enum(FieldGroup, name="FilterAttributeGroup")


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
    group: FieldGroup
    type: AttributeType
    is_array: bool
    operators: list[OperatorInfo]

    @classmethod
    def from_domain(cls, attribute: Attribute) -> "FilterAttribute":
        field = attribute.field
        return cls(
            path=field.path,
            label=field.label,
            group=field.group,
            type=attribute.type,
            is_array=field.is_array,
            operators=[
                OperatorInfo(
                    operator=Operator[operator.name],
                    label=operator.label,
                    takes=operator.operand_kind.description,
                )
                for operator in attribute.operators
            ],
        )


@strawberry.type
class AttributeQuery:
    @strawberry.field(description="The paths that a filter may use, metadata seen among them.")
    async def filter_attributes(self, info: Info) -> list[FilterAttribute]:
        return [
            FilterAttribute.from_domain(attribute)
            for attribute in await info.context.services.attributes.list_all()
        ]

    @strawberry.field(
        description="Values seen for a path, the most frequent first: for an editor's completion."
    )
    async def filter_value_suggestions(
        self, info: Info, path: str, prefix: str | None = strawberry.UNSET, first: int | None = 20
    ) -> list[JSON]:
        max_values = validate_page_size(first, default_size=20)
        service = info.context.services.attributes
        return [
            JSON(value) for value in await service.suggest_values(path, prefix or None, max_values)
        ]
