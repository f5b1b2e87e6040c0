"""Resolvers that call a field's method directly.

For a method without arguments, Strawberry's resolver converts no argument and runs no extension,
through a dozen calls.
"""

from collections.abc import Callable
from inspect import iscoroutine
from typing import Any
from weakref import WeakKeyDictionary

import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, MiddlewareManager
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from app.schema.http.attribute_readers import Reader, make_leaf_reader
from app.schema.roles import with_role_check

Resolver = Callable[..., Any]


class DirectResolvers(MiddlewareManager):
    """Replaces the resolvers of methods without arguments.

    `leaf_readers` has, by type and field, the readers of such methods that are not coroutine
    functions and return a leaf. They take the object and graphql-core's info, and check no role.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        super().__init__()
        self._resolvers: dict[Resolver, Resolver] = {}
        self.leaf_readers: dict[tuple[str, str], Reader] = {}
        for type_ in schema.type_map.values():
            if isinstance(type_, GraphQLObjectType):
                for name, field in type_.fields.items():
                    self._add(type_.name, name, field)

    def _add(self, type_name: str, name: str, field: GraphQLField) -> None:
        resolver = _make_resolver(field)
        if resolver is None or field.resolve is None:
            return
        self._resolvers[field.resolve] = with_role_check(field, resolver)
        definition: StrawberryField = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        if not definition.is_async and (
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


def _without_coroutine(resolver: Resolver) -> Resolver:
    """Returns the resolver, which closes a coroutine that it would return: graphql-core calls it
    again, and awaits the result of that call."""

    def resolve(source: object, info: Any) -> Any:
        result = resolver(source, info)
        if iscoroutine(result):
            result.close()
        return result

    return resolve
