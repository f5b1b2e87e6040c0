"""The metadata's definitions in the API."""

import strawberry
from strawberry import UNSET

from app.domain.metadata import DefinitionState, KeyDefinition
from app.filters.fields import AttributeType
from app.schema.context import Info
from app.schema.errors import UserError, attempt
from app.schema.input_json import input_to_json
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
    def from_domain(cls, definition: KeyDefinition) -> "MetadataDefinition":
        allowed_values = definition.allowed_values
        return cls(
            state=definition.state,
            problem=definition.problem,
            key=definition.key,
            type=definition.type,
            is_array=definition.is_array,
            required=definition.required,
            allowed_values=None
            if allowed_values is None
            else [JSON(definition.decode(value)) for value in allowed_values],
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
        definitions = (await info.context.load_definitions()).metadata_schema.definitions
        return [MetadataDefinition.from_domain(definition) for definition in definitions.values()]


@strawberry.type
class MetadataMutation:
    @strawberry.mutation
    async def metadata_definition_set(
        self, info: Info, input: MetadataDefinitionInput
    ) -> MetadataDefinitionPayload:
        stored_definition, errors = await attempt(
            info.context.services.metadata.define(input_to_json(input))
        )
        return MetadataDefinitionPayload(
            definition=MetadataDefinition.from_domain(stored_definition)
            if stored_definition
            else None,
            user_errors=errors,
        )
