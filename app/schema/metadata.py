"""The metadata's definitions in the API."""

import strawberry
from strawberry import UNSET

from app.domain.metadata import Definition, DefinitionState
from app.filters.fields import AttributeType
from app.schema.context import Info
from app.schema.errors import UserError, attempt
from app.schema.scalars import JSON
from app.schema.wire import wire

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
            allowed_values=None
            if allowed is None
            else [JSON(definition.give(value)) for value in allowed],
            label=definition.label,
        )


@strawberry.input
class MetadataDefinitionInput:
    key: str
    type: AttributeType
    is_array: bool | None = False
    required: bool | None = False
    allowed_values: list[JSON] | None = UNSET
    label: str | None = UNSET


@strawberry.type
class MetadataDefinitionPayload:
    definition: MetadataDefinition | None
    user_errors: list[UserError]


@strawberry.type
class MetadataQuery:
    @strawberry.field
    async def metadata_definitions(self, info: Info) -> list[MetadataDefinition]:
        defined = (await info.context.definitions()).metadata.definitions
        return [MetadataDefinition.of(definition) for definition in defined.values()]


@strawberry.type
class MetadataMutation:
    @strawberry.mutation
    async def metadata_definition_set(
        self, info: Info, input: MetadataDefinitionInput
    ) -> MetadataDefinitionPayload:
        defined, errors = await attempt(info.context.services.metadata.define(wire(input)))
        return MetadataDefinitionPayload(
            definition=MetadataDefinition.of(defined) if defined else None, user_errors=errors
        )
