"""Resolvers that call a field's method directly.

For a method without arguments, Strawberry's resolver converts no argument and runs no extension,
through a dozen calls.
"""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, MiddlewareManager
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

Resolver = Callable[..., Any]


class DirectResolvers(MiddlewareManager):
    """Replaces the resolvers of methods without arguments."""

    def __init__(self, schema: GraphQLSchema) -> None:
        super().__init__()
        self._direct_resolvers: dict[Resolver, Resolver] = {
            field.resolve: resolver
            for type_ in schema.type_map.values()
            if isinstance(type_, GraphQLObjectType)
            for field in type_.fields.values()
            if field.resolve and (resolver := _make_resolver(field))
        }

    def get_field_resolver(self, field_resolver: Resolver) -> Resolver:
        """Returns the direct resolver of the field; the field's own if it has none."""
        return self._direct_resolvers.get(field_resolver, field_resolver)


_resolvers_by_schema: WeakKeyDictionary[GraphQLSchema, DirectResolvers] = WeakKeyDictionary()


def get_direct_resolvers(schema: GraphQLSchema) -> DirectResolvers:
    """Returns the direct resolvers of the schema."""
    resolvers = _resolvers_by_schema.get(schema)
    if resolvers is None:
        resolvers = _resolvers_by_schema[schema] = DirectResolvers(schema)
    return resolvers


def _make_resolver(field: GraphQLField) -> Resolver | None:
    """Returns the direct resolver of a field; None unless the field is a method without
    arguments and without extensions."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if (
        not isinstance(definition, StrawberryField)
        or not (method := definition.base_resolver)
        # The method of a subscription makes its events; the resolver takes one of them.
        or definition.is_subscription
        or definition.extensions
        or definition.arguments
        or not method.self_parameter
        or method.parent_parameter
        or method.root_parameter
        or not callable(function := method.wrapped_func)
    ):
        return None
    if not method.info_parameter:
        return lambda source, _: function(source)
    info_name = method.info_parameter.name
    return lambda source, info: function(
        source, **{info_name: strawberry.Info(_raw_info=info, _field=definition)}
    )
