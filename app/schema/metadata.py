"""Metadata definitions in the API."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from app.domain.metadata import DefinitionState, KeyDefinition
from app.filters.fields import AttributeType
from app.schema.context import Info
from app.schema.enums import register_enum
from app.schema.errors import UserError, attempt
from app.schema.input_json import input_to_json
from app.schema.scalars import JSON

register_enum(
    DefinitionState,
    "Defining a key converts the values that are there, as a job. Until READY filters treat the key"
    " as undefined.",
    {
        "CHECKING": "A worker checks whether all stored values can be converted.",
        "CONVERTING": "A worker converts the stored values.",
        "READY": "All values match the definition, and filters may use it.",
        "REFUSED": "Stored values do not match; `problem` says which.",
    },
    name="MetadataDefinitionState",
)


@strawberry.type(
    description="The definition of a metadata key. New values of the key must match it."
)
class MetadataDefinition:
    state: DefinitionState = strawberry.field(description="The progress of the definition.")
    problem: str | None = strawberry.field(
        description="Why it was refused: how many values don't fit, and one of them."
    )
    key: str = strawberry.field(description="The metadata key.")
    type: AttributeType = strawberry.field(description="The type of the values.")
    is_array: bool = strawberry.field(description="Whether the values are arrays of this type.")
    required: bool = strawberry.field(
        description="Whether a customer can only be saved with a value."
    )
    allowed_values: list[JSON] | None = strawberry.field(
        description="The only values allowed; null if all values of the type are."
    )
    label: str | None = strawberry.field(description="The key in words, for a filter editor.")

    @classmethod
    def from_domain(cls, definition: KeyDefinition) -> "MetadataDefinition":
        allowed_values = definition.allowed_json_values
        return cls(
            state=definition.state,
            problem=definition.problem,
            key=definition.key,
            type=definition.type,
            is_array=definition.is_array,
            required=definition.required,
            allowed_values=None
            if allowed_values is None
            else [JSON(value) for value in allowed_values],
            label=definition.label,
        )


@strawberry.input(description="The definition of a metadata key.")
class MetadataDefinitionInput:
    key: str = strawberry.field(description="The metadata key.")
    type: AttributeType = strawberry.field(description="The type of the values.")
    is_array: bool | None = strawberry.field(
        default=False, description="Whether the values are arrays of this type."
    )
    required: bool | None = strawberry.field(
        default=False, description="Whether a customer can only be saved with a value."
    )
    allowed_values: list[JSON] | None = strawberry.field(
        default=UNSET, description="The only values allowed. Default: all values of the type."
    )
    label: str | None = strawberry.field(
        default=UNSET, description="The key in words, for a filter editor."
    )


@strawberry.type(description="The result of defining a metadata key.")
class MetadataDefinitionPayload:
    definition: MetadataDefinition | None = strawberry.field(
        description="The definition; null if there are errors."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing changed; empty on success."
    )


@strawberry.type
class MetadataQuery:
    @strawberry.field(description="All definitions of metadata keys.")
    async def metadata_definitions(self, info: Info) -> list[MetadataDefinition]:
        definitions = (await info.context.load_definitions()).metadata_schema.definitions
        return [MetadataDefinition.from_domain(definition) for definition in definitions.values()]


@strawberry.type
class MetadataMutation:
    @strawberry.mutation(description="Defines a metadata key, or changes its definition.")
    async def metadata_definition_set(
        self,
        info: Info,
        input: Annotated[
            MetadataDefinitionInput, strawberry.argument(description="The definition.")
        ],
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
