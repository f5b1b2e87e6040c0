"""Functions that convert the arguments of a field to the values that its method takes.

They return what Strawberry's `convert_arguments` does, which looks up the types, the fields and
their names for each value.
"""

from collections.abc import Callable
from dataclasses import MISSING
from typing import Any

import strawberry
from graphql import GraphQLSchema
from strawberry import UNSET, Some
from strawberry.scalars import is_scalar
from strawberry.types.arguments import StrawberryArgument, convert_argument
from strawberry.types.base import (
    StrawberryList,
    StrawberryMaybe,
    StrawberryOptional,
    has_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.lazy_type import LazyType

Converter = Callable[[Any], Any]


class ArgumentConverters:
    """Makes the converters of a schema; those of input objects are made once."""

    def __init__(self, schema: GraphQLSchema) -> None:
        strawberry_schema: strawberry.Schema = schema._strawberry_schema  # type: ignore[attr-defined]
        self._config = strawberry_schema.config
        self._scalars = strawberry_schema.schema_converter.scalar_registry
        self._input_objects: dict[Any, _InputObject] = {}

    def make(self, arguments: list[StrawberryArgument]) -> Converter:
        """Returns a function that takes the arguments by their names in the schema, and returns
        them by those of the method's parameters."""
        get_name = self._config.name_converter.from_argument
        converters = [
            (get_name(argument), argument.python_name, self._make(argument.type))
            for argument in arguments
        ]
        return lambda values: {
            python_name: convert(values[name])
            for name, python_name, convert in converters
            if name in values
        }

    def _make(self, type_: Any) -> Converter:
        if isinstance(type_, LazyType):
            return self._make(type_.resolve_type())
        if isinstance(type_, StrawberryOptional) and not isinstance(type_, StrawberryMaybe):
            return self._make(type_.of_type)
        if self._is_leaf(type_):
            return _return_unchanged
        if isinstance(type_, StrawberryMaybe):
            return self._make_maybe(type_)
        if isinstance(type_, StrawberryList):
            return self._make_list(type_)
        if has_object_definition(type_) and type_.__strawberry_definition__.from_input is None:
            if type_ not in self._input_objects:
                input_object = self._input_objects[type_] = _InputObject(type_)
                # Later than the entry: an input object may contain itself.
                input_object.fields = self._make_fields(type_)
            return self._input_objects[type_].convert
        return self._leave_to_strawberry(type_)

    def _make_maybe(self, type_: StrawberryMaybe) -> Converter:
        convert = self._make(type_.of_type)
        if isinstance(type_.of_type, StrawberryOptional):
            return lambda value: Some(convert(value))
        refuse = self._leave_to_strawberry(type_)
        return lambda value: refuse(value) if value is None else Some(convert(value))

    def _make_list(self, type_: StrawberryList) -> Converter:
        convert = self._make(type_.of_type)
        # All requests that leave the argument out share its default, so even a list of leaves is
        # copied.
        return lambda values: [*map(convert, values)] if isinstance(values, list) else values

    def _make_fields(self, type_: Any) -> list[tuple[str, str, Converter]]:
        definition = type_.__strawberry_definition__
        get_name = self._config.name_converter.from_field
        return [
            (
                get_name(field),
                field.python_name,
                self._make(field.resolve_type(type_definition=definition)),
            )
            for field in definition.fields
        ]

    def _is_leaf(self, type_: Any) -> bool:
        return (
            isinstance(type_, StrawberryEnumDefinition)
            or has_enum_definition(type_)
            or is_scalar(type_, self._scalars)
        )

    def _leave_to_strawberry(self, type_: Any) -> Converter:
        return lambda value: convert_argument(value, type_, self._scalars, self._config)


class _InputObject:
    """The converter of an input object. `fields` has their names in the schema and in Python, and
    their converters."""

    def __init__(self, type_: Any) -> None:
        self._type = type_
        self._defaults = {
            field.python_name: None
            for field in type_.__strawberry_definition__.fields
            if field.default_value is MISSING and field.default_factory is MISSING
        }
        self.fields: list[tuple[str, str, Converter]] = []

    def convert(self, values: Any) -> Any:
        if values is None or values is UNSET:
            return values
        converted = {
            python_name: convert(values[name])
            for name, python_name, convert in self.fields
            if name in values
        }
        return self._type(**{**self._defaults, **converted})


def _return_unchanged(value: Any) -> Any:
    return value
