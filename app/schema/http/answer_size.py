"""How many values an answer may hold, going by the pages that are asked for.

A field's `first` counts for the next lists below it: `members(first: 100) { nodes { name } }` may
hold a hundred names. A list without a page above it counts as one item, or as many as its field
says in its metadata: {"most": 1_000}.
"""

from collections.abc import Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from graphql.type import GraphQLInterfaceType
from strawberry.schema.schema_converter import GraphQLCoreConverter

MOST_VALUES = 200_000
LARGEST_PAGE = 1_000


def may_be_too_large(schema: GraphQLSchema, document: DocumentNode) -> bool:
    """Whether there are variables with which an answer would hold too many values."""
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    return any(
        answer_size(schema, node, fragments, None) > MOST_VALUES
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    )


def answer_size(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, object] | None,
) -> int:
    """The most values that the answer can hold; without `variables`, with any of them."""
    root = schema.get_root_type(operation.operation)
    return _AnswerSize(schema, fragments, variables).of(operation.selection_set, root, 1)


class _AnswerSize:
    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, object] | None,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._known: dict[tuple[str, int], int] = {}

    def of(
        self, selected: SelectionSetNode | None, parent: GraphQLNamedType | None, page: int
    ) -> int:
        total = 0
        for selection in selected.selections if selected else ():
            match selection:
                case FieldNode():
                    total += self._field(selection, parent, page)
                case InlineFragmentNode(type_condition=condition, selection_set=inside):
                    type_ = self._schema.get_type(condition.name.value) if condition else parent
                    total += self.of(inside, type_, page)
                case FragmentSpreadNode(name=name):
                    total += self._fragment(name.value, page)
        return total

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, page: int) -> int:
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return 1
        field = self._schema.get_field(parent, node.name.value)
        if field is None:
            return 1
        if "first" in field.args:
            page = self._page(node, field)
        inside = get_named_type(field.type)
        if is_list_type(get_nullable_type(field.type)):
            page = max(page, _most(field))
            return page * (1 + self.of(node.selection_set, inside, 1))
        return 1 + self.of(node.selection_set, inside, page)

    def _fragment(self, name: str, page: int) -> int:
        if (name, page) not in self._known:
            fragment = self._fragments[name]
            type_ = self._schema.get_type(fragment.type_condition.name.value)
            self._known[name, page] = self.of(fragment.selection_set, type_, page)
        return self._known[name, page]

    def _page(self, node: FieldNode, field: GraphQLField) -> int:
        asked: object = field.args["first"].default_value
        for argument in node.arguments or ():
            if argument.name.value != "first":
                continue
            if isinstance(argument.value, IntValueNode):
                asked = int(argument.value.value)
            elif isinstance(argument.value, VariableNode):
                name = argument.value.name.value
                if self._variables is None:
                    asked = LARGEST_PAGE
                else:
                    asked = self._variables.get(name, asked)
        return max(asked, 1) if isinstance(asked, int) else 1


def _most(field: GraphQLField) -> int:
    """How many items a list without pages may hold."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return int(definition.metadata.get("most", 1)) if definition else 1
