"""Finds every list of the schema, and makes queries that run all fields of its items."""

from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

# The arguments of fields that require some, with the variables of the test's shop.
ARGUMENTS = {
    "Query.customer": "ref: {sourceId: $sourceId}",
    "Query.segment": "id: $segment",
    "Query.customersByRef": "refs: $refs",
    "Query.customersByEmail": "emails: $emails",
    "Query.segmentPreview": "filter: $filter",
    "SegmentPreview.against": "segmentId: $segment",
    "SegmentPreview.judge": "customer: {sourceId: $sourceId}",
    "Query.segmentMembership": "customer: {sourceId: $sourceId}",
    "Query.filterValueSuggestions": 'path: "name"',
    "Query.codeRecipients": 'code: "first"',
    "Query.filterFromVoucherify": "filter: {}",
    "Query.export": "id: $export",
    "Query.validate": "ruleId: $rule, customer: {sourceId: $sourceId}",
    "Query.node": "id: $segment",
}
_VARIABLE_TYPES = {
    "first": "Int",
    "sourceId": "String!",
    "refs": "[CustomerRef!]!",
    "emails": "[String!]!",
    "segment": "ID!",
    "export": "ID!",
    "rule": "ID!",
    "filter": "FilterInput!",
}
# The items of a list inside the items of the list under test.
INNER_FIRST = "first: 2"
_MAX_DEPTH = 2
# Inside another list they would exceed the limit of the values of a result.
_LONG_LISTS = {"Segment.sizeHistory"}

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType


class SchemaField(NamedTuple):
    """A field of an object type."""

    type: str
    name: str
    definition: GraphQLField

    @property
    def item_type(self) -> GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType:
        """The type of the items of a list; of a connection, the type of its nodes."""
        type_ = _composite(self.definition)
        assert type_ is not None
        if isinstance(type_, GraphQLObjectType) and _is_connection(type_):
            node_type = _composite(type_.fields["nodes"])
            assert node_type is not None
            return node_type
        return type_

    def __str__(self) -> str:
        return f"{self.type}.{self.name}"


class SchemaLists:
    """The lists of objects that a query can reach."""

    def __init__(self, schema: GraphQLSchema) -> None:
        assert schema.query_type
        self._schema = schema
        # By type, the fields that lead to it from the query.
        self._paths: dict[str, tuple[SchemaField, ...]] = {schema.query_type.name: ()}
        self.lists: list[SchemaField] = []
        pending = deque([schema.query_type])
        while pending:
            type_ = pending.popleft()
            for field in _fields(type_):
                inner_type = _composite(field.definition)
                if inner_type is None or _is_introspection(inner_type):
                    continue
                if _is_list(field):
                    self.lists.append(field)
                for object_type in self._object_types(field.item_type):
                    if object_type.name not in self._paths:
                        self._paths[object_type.name] = (*self._paths[type_.name], field)
                        pending.append(object_type)

    def _object_types(self, type_: Composite) -> list[GraphQLObjectType]:
        if isinstance(type_, GraphQLObjectType):
            return [type_]
        return list(self._schema.get_possible_types(type_))

    def queries(self, list_: SchemaField) -> Iterator[tuple[str, str]]:
        """Yields queries of the list, each with its name: one with all leaves of the items, and one
        for each other field of the items."""
        for type_ in self._object_types(list_.item_type):
            fields = list(_fields(type_))
            leaves = [field for field in fields if _composite(field.definition) is None]
            selection = " ".join(map(self._leaf, leaves))
            yield f"{list_} {type_.name}", self._query(list_, type_, selection)
            for field in fields:
                if _composite(field.definition) is not None:
                    selection = self._select(field, INNER_FIRST, _MAX_DEPTH)
                    yield f"{list_} {field}", self._query(list_, type_, selection)

    def _query(self, list_: SchemaField, item_type: GraphQLObjectType, selection: str) -> str:
        selection = f"... on {item_type.name} {{ __typename {selection} }}"
        # The list itself has `first` rows, and so have the lists around it.
        for field in reversed((*self._paths[list_.type], list_)):
            edges = ""
            if field is list_ and _is_connection(field.definition.type):
                edges = self._edges(field)
            selection = self._wrap(field, "first: $first", selection, edges)
            selection = f"... on {field.type} {{ {selection} }}"
        variables = [
            f"${name}: {type_}"
            for name, type_ in _VARIABLE_TYPES.items()
            if f"${name}" in selection
        ]
        return f"query{_in_parentheses(variables)} {{ {selection} }}"

    def _select(self, field: SchemaField, first: str, depth: int) -> str:
        """Returns the field with a selection of everything below it."""
        types = self._object_types(field.item_type)
        if types == [field.item_type]:
            return self._wrap(field, first, self._select_all(types[0], depth - 1, set()), "")
        field_types: dict[str, set[str]] = {}
        for inner_field in chain.from_iterable(map(_fields, types)):
            field_types.setdefault(inner_field.name, set()).add(str(inner_field.definition.type))
        # Types of a union may have fields of one name and of different types.
        ambiguous_names = {name for name, types in field_types.items() if len(types) > 1}
        selection = " ".join(
            f"... on {type_.name} {{ {self._select_all(type_, depth - 1, ambiguous_names)} }}"
            for type_ in types
        )
        return self._wrap(field, first, selection, "")

    def _select_all(self, type_: GraphQLObjectType, depth: int, ambiguous_names: set[str]) -> str:
        # An object without leaves has its type.
        selections = ["__typename"] if depth == 0 and not _has_leaves(type_) else []
        for field in _fields(type_):
            alias = f"{type_.name}_{field.name}: " if field.name in ambiguous_names else ""
            if _composite(field.definition) is None:
                selections.append(alias + self._leaf(field))
            elif depth > 0 and str(field) not in _LONG_LISTS:
                selections.append(alias + self._select(field, INNER_FIRST, depth))
        return " ".join(selections)

    def _wrap(self, field: SchemaField, first: str, selection: str, edges: str) -> str:
        type_ = _composite(field.definition)
        assert type_ is not None
        arguments = _arguments(field, first)
        if not isinstance(type_, GraphQLObjectType) or not _is_connection(type_):
            return f"{field.name}{arguments} {{ {selection} }}"
        count = "totalCount" if "totalCount" in type_.fields else ""
        return f"{field.name}{arguments} {{ {count} {edges} nodes {{ {selection} }} }}"

    def _edges(self, field: SchemaField) -> str:
        """Returns the selection of the edges' own fields: everything but their nodes."""
        type_ = _composite(field.definition)
        assert isinstance(type_, GraphQLObjectType)
        edge_type = _composite(type_.fields["edges"])
        assert isinstance(edge_type, GraphQLObjectType)
        return f"edges {{ {' '.join(name for name in edge_type.fields if name != 'node')} }}"

    def _leaf(self, field: SchemaField) -> str:
        return field.name + _arguments(field, INNER_FIRST)


def _fields(type_: GraphQLObjectType) -> Iterator[SchemaField]:
    for name, definition in type_.fields.items():
        yield SchemaField(type_.name, name, definition)


def _has_leaves(type_: GraphQLObjectType) -> bool:
    return any(_composite(field) is None for field in type_.fields.values())


def _composite(field: GraphQLField) -> Composite | None:
    type_ = get_named_type(field.type)
    return None if is_leaf_type(type_) else type_  # type: ignore[return-value]


def _is_connection(type_: object) -> bool:
    named_type = get_named_type(type_)  # type: ignore[call-overload]
    return isinstance(named_type, GraphQLObjectType) and "nodes" in named_type.fields


def _is_list(field: SchemaField) -> bool:
    return is_list_type(get_nullable_type(field.definition.type)) or _is_connection(
        field.definition.type
    )


def _is_introspection(type_: Composite) -> bool:
    return type_.name.startswith("__")


def _arguments(field: SchemaField, first: str) -> str:
    arguments = [first] if "first" in field.definition.args else []
    required = [
        name
        for name, argument in field.definition.args.items()
        if is_non_null_type(argument.type) and argument.default_value is Undefined
    ]
    if required:
        arguments.append(ARGUMENTS[str(field)])
    return _in_parentheses(arguments)


def _in_parentheses(parts: list[str]) -> str:
    return f"({', '.join(parts)})" if parts else ""
