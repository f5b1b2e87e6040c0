"""The maximum number of values in a result, computed from the requested page sizes.

A field's `first` applies to the next lists below it: `members(first: 100) { nodes { name } }` holds
at most a hundred names. The metadata of a field may name another argument that limits its items, by
its value or by its length: {"size_argument": "points"}. A list without any counts as one item, or
as many as the metadata of its field say: {"max_items": 1_000}.
"""

from collections.abc import Mapping
from typing import TypeVar

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
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from graphql.type import GraphQLInterfaceType
from strawberry.schema.schema_converter import GraphQLCoreConverter

Value = TypeVar("Value")

MAX_RESULT_VALUES = 200_000
LARGEST_PAGE_SIZE = 1_000


def may_exceed_max_values(schema: GraphQLSchema, document: DocumentNode) -> bool:
    """Returns whether a result may exceed MAX_RESULT_VALUES with some values of the variables."""
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    return any(
        compute_result_size(schema, node, fragments, None) > MAX_RESULT_VALUES
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    )


def compute_result_size(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, object] | None,
) -> int:
    """Returns the maximum number of values in the result.

    If `variables` is None, the result holds for any values of the variables.
    """
    root = schema.get_root_type(operation.operation)
    return _ResultSizeCalculator(schema, fragments, variables).measure_selection_set(
        operation.selection_set, root, 1
    )


class _ResultSizeCalculator:
    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, object] | None,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._fragment_sizes: dict[tuple[str, int], int] = {}

    def measure_selection_set(
        self,
        selection_set: SelectionSetNode | None,
        parent: GraphQLNamedType | None,
        page_size: int,
    ) -> int:
        total = 0
        for selection in selection_set.selections if selection_set else ():
            match selection:
                case FieldNode():
                    total += self._measure_field(selection, parent, page_size)
                case InlineFragmentNode(type_condition=condition, selection_set=inner):
                    type_ = self._schema.get_type(condition.name.value) if condition else parent
                    total += self.measure_selection_set(inner, type_, page_size)
                case FragmentSpreadNode(name=name):
                    total += self._measure_fragment(name.value, page_size)
        return total

    def _measure_field(
        self, node: FieldNode, parent: GraphQLNamedType | None, page_size: int
    ) -> int:
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return 1
        field = self._schema.get_field(parent, node.name.value)
        if field is None:
            return 1
        size_argument = _read_metadata(field, "size_argument", "first")
        if size_argument in field.args:
            page_size = self._read_page_size(node, field, size_argument)
        inner_type = get_named_type(field.type)
        if is_list_type(get_nullable_type(field.type)):
            page_size = max(page_size, _read_metadata(field, "max_items", 1))
            return page_size * (1 + self.measure_selection_set(node.selection_set, inner_type, 1))
        return 1 + self.measure_selection_set(node.selection_set, inner_type, page_size)

    def _measure_fragment(self, name: str, page_size: int) -> int:
        if (name, page_size) not in self._fragment_sizes:
            fragment = self._fragments[name]
            type_ = self._schema.get_type(fragment.type_condition.name.value)
            self._fragment_sizes[name, page_size] = self.measure_selection_set(
                fragment.selection_set, type_, page_size
            )
        return self._fragment_sizes[name, page_size]

    def _read_page_size(self, node: FieldNode, field: GraphQLField, size_argument: str) -> int:
        requested_size: object = field.args[size_argument].default_value
        for argument in node.arguments or ():
            if argument.name.value != size_argument:
                continue
            match argument.value:
                case IntValueNode(value=digits):
                    requested_size = int(digits)
                case ListValueNode(values=values):
                    requested_size = len(values)
                case VariableNode(name=name):
                    requested_size = self._read_variable(name.value, requested_size)
        return max(requested_size, 1) if isinstance(requested_size, int) else 1

    def _read_variable(self, name: str, default_size: object) -> object:
        """Returns the size that a variable requests: its value, or the length of a list."""
        if self._variables is None:
            return LARGEST_PAGE_SIZE
        # Null stands for the default.
        value = self._variables.get(name) or default_size
        return len(value) if isinstance(value, list) else value


def _read_metadata(field: GraphQLField, key: str, default: Value) -> Value:
    """Returns an entry of the metadata of a field; the default if it has none."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    value: Value = definition.metadata.get(key, default) if definition else default
    return value
