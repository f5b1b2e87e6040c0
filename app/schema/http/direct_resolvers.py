"""Resolvers that call a field's method directly.

For a method without extensions, Strawberry's resolver only converts the arguments, through a dozen
calls and more for each input object.
"""

from collections.abc import Callable
from inspect import iscoroutine
from typing import Any
from weakref import WeakKeyDictionary

import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, MiddlewareManager
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from app.schema.http.argument_converters import ArgumentConverters
from app.schema.http.attribute_readers import Reader, make_leaf_reader
from app.schema.roles import with_role_check

Resolver = Callable[..., Any]


class DirectResolvers(MiddlewareManager):
    """Replaces the resolvers of methods.

    `leaf_readers` has, by type and field, the readers of methods without arguments that are not
    coroutine functions and return a leaf. They take the object and graphql-core's info, and check
    no role.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        super().__init__()
        self._converters = ArgumentConverters(schema)
        self._resolvers: dict[Resolver, Resolver] = {}
        self.leaf_readers: dict[tuple[str, str], Reader] = {}
        for type_ in schema.type_map.values():
            if isinstance(type_, GraphQLObjectType):
                for name, field in type_.fields.items():
                    self._add(type_.name, name, field)

    def _add(self, type_name: str, name: str, field: GraphQLField) -> None:
        resolver = _make_resolver(field, self._converters)
        if resolver is None or field.resolve is None:
            return
        self._resolvers[field.resolve] = with_role_check(field, resolver)
        definition: StrawberryField = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        if not (definition.is_async or definition.arguments) and (
            reader := make_leaf_reader(field, _without_coroutine(resolver))
        ):
            self.leaf_readers[type_name, name] = reader

    def get_field_resolver(self, field_resolver: Resolver) -> Resolver:
        """Returns the direct resolver of the field; the field's own if it has none."""
        return self._resolvers.get(field_resolver, field_resolver)


_resolvers_by_schema: WeakKeyDictionary[GraphQLSchema, DirectResolvers] = WeakKeyDictionary()


def get_direct_resolvers(schema: GraphQLSchema) -> DirectResolvers:
    """Returns the direct resolvers of the schema."""
    resolvers = _resolvers_by_schema.get(schema)
    if resolvers is None:
        resolvers = _resolvers_by_schema[schema] = DirectResolvers(schema)
    return resolvers


def _make_resolver(field: GraphQLField, converters: ArgumentConverters) -> Resolver | None:
    """Returns the direct resolver of a field; None unless the field is a method without
    extensions."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if (
        not isinstance(definition, StrawberryField)
        or not (method := definition.base_resolver)
        # The method of a subscription makes its events; the resolver takes one of them.
        or definition.is_subscription
        or definition.extensions
        or not method.self_parameter
        or method.parent_parameter
        or method.root_parameter
        or not callable(function := method.wrapped_func)
    ):
        return None
    info_name = method.info_parameter.name if method.info_parameter else None
    convert = converters.make(definition.arguments) if definition.arguments else None

    def resolve(source: object, info: Any, **arguments: Any) -> Any:
        values = convert(arguments) if convert else arguments
        if info_name:
            values[info_name] = strawberry.Info(_raw_info=info, _field=definition)
        return function(source, **values)

    return resolve


def _without_coroutine(resolver: Resolver) -> Resolver:
    """Returns the resolver, which closes a coroutine that it would return: graphql-core calls it
    again, and awaits the result of that call."""

    def resolve(source: object, info: Any) -> Any:
        result = resolver(source, info)
        if iscoroutine(result):
            result.close()
        return result

    return resolve
