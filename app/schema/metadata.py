"""The metadata's definitions in the API."""

import strawberry

from app.domain.metadata import Definition, DefinitionState
from app.filters.fields import AttributeType
from app.schema.context import Info
from app.schema.scalars import JSON

strawberry.enum(
    DefinitionState,
    name="MetadataDefinitionState",
    description="Defining a key converts the values that are there, as a job. Until READY filters"
    " treat the key as undefined.",
)


@strawberry.type(description="A key of metadata with its type, to which new values must fit.")
class MetadataDefinition:
    state: DefinitionState
    problem: str | None = strawberry.field(
        description="Why it was refused: how many values don't fit, and one of them."
    )
    key: str
    type: AttributeType
    is_array: bool
    required: bool
    allowed_values: list[JSON] | None
    label: str | None

    @classmethod
    def of(cls, definition: Definition) -> "MetadataDefinition":
        allowed = definition.allowed_values
        return cls(
            state=definition.state,
            problem=definition.problem,
            key=definition.key,
            type=definition.type,
            is_array=definition.is_array,
            required=definition.required,
            allowed_values=None if allowed is None else [JSON(value) for value in allowed],
            label=definition.label,
        )


@strawberry.type
class MetadataQuery:
    @strawberry.field
    async def metadata_definitions(self, info: Info) -> list[MetadataDefinition]:
        defined = (await info.context.definitions()).metadata.definitions
        return [MetadataDefinition.of(definition) for definition in defined.values()]
