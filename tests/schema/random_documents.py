"""Random valid queries of a schema: aliases, fragments, directives, and the same field twice."""

from collections.abc import Mapping
from random import Random

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
)

_MAX_FIELDS = 6
_MAX_DEPTH = 4
_MAX_ALIASES = 100


class RandomDocuments:
    """Makes queries. `arguments` has the arguments of the fields that require some, by type and
    field; fields without an entry there, and `excluded` fields, are left out."""

    def __init__(
        self,
        schema: GraphQLSchema,
        arguments: Mapping[str, str],
        excluded: frozenset[str] = frozenset(),
    ) -> None:
        self._schema = schema
        self._arguments = arguments
        self._excluded = excluded

    def make(self, rng: Random) -> str:
        """Returns a query within the limits of the API."""
        assert self._schema.query_type
        while True:
            query = _Query(self._schema, self._arguments, self._excluded, rng)
            selection = query.select(self._schema.query_type, _MAX_DEPTH)
            if query.alias_count <= _MAX_ALIASES:
                return " ".join([f"{{ {selection} }}", *query.fragments])


class _Query:
    def __init__(
        self,
        schema: GraphQLSchema,
        arguments: Mapping[str, str],
        excluded: frozenset[str],
        rng: Random,
    ) -> None:
        self._schema = schema
        self._arguments = arguments
        self._excluded = excluded
        self._rng = rng
        self.alias_count = 0
        self.fragments: list[str] = []

    def select(self, type_: GraphQLNamedType, depth: int, alias_rate: float = 0.3) -> str:
        """Returns a selection of the type, in which `alias_rate` is the share of the fields with an
        alias. Fields of different types of a union need one."""
        if isinstance(type_, GraphQLUnionType | GraphQLInterfaceType):
            types = self._schema.get_possible_types(type_)
            chosen_types = self._rng.sample(list(types), min(3, len(types)))
            spreads = [self._spread(inner, depth, alias_rate=1) for inner in chosen_types]
            return " ".join(["__typename", *spreads])
        assert isinstance(type_, GraphQLObjectType)
        names = [
            name for name, field in type_.fields.items() if self._may_select(type_, name, depth)
        ]
        parts = ["__typename"] if not names or self._rng.random() < 0.2 else []
        chosen = self._rng.choices(names, k=self._rng.randint(1, _MAX_FIELDS)) if names else []
        parts += [
            self._field(type_, name, type_.fields[name], depth, alias_rate) for name in chosen
        ]
        if depth > 1 and self._rng.random() < 0.2:
            parts.append(self._spread(type_, depth - 1, alias_rate))
        return " ".join(parts)

    def _may_select(self, type_: GraphQLObjectType, name: str, depth: int) -> bool:
        path, field = f"{type_.name}.{name}", type_.fields[name]
        if path in self._excluded or (depth == 0 and not is_leaf_type(get_named_type(field.type))):
            return False
        return path in self._arguments or not any(
            is_non_null_type(argument.type) and argument.default_value is Undefined
            for argument in field.args.values()
        )

    def _field(
        self,
        type_: GraphQLObjectType,
        name: str,
        field: GraphQLField,
        depth: int,
        alias_rate: float,
    ) -> str:
        self.alias_count += 1
        alias = f"f{self.alias_count}: " if self._rng.random() < alias_rate else ""
        arguments = (
            [self._arguments[path]] if (path := f"{type_.name}.{name}") in self._arguments else []
        )
        if "first" in field.args:
            arguments.append("first: 2")
        in_parentheses = f"({', '.join(arguments)})" if arguments else ""
        text = f"{alias}{name}{in_parentheses}{self._directive()}"
        inner_type = get_named_type(field.type)
        if is_leaf_type(inner_type):
            return text
        return f"{text} {{ {self.select(inner_type, depth - 1)} }}"

    def _spread(self, type_: GraphQLNamedType, depth: int, alias_rate: float) -> str:
        selection = self.select(type_, depth, alias_rate)
        if self._rng.random() < 0.5:
            return f"... on {type_.name}{self._directive()} {{ {selection} }}"
        name = f"Fragment{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {type_.name} {{ {selection} }}")
        return f"...{name}{self._directive()}"

    def _directive(self) -> str:
        if self._rng.random() < 0.9:
            return ""
        name, value = self._rng.choice(["include", "skip"]), self._rng.choice(["true", "false"])
        return f" @{name}(if: {value})"
