"""The cost of an operation in points, computed before anything runs.

Each value of the result costs a point, a JSON value two. `set_costs` gives a field points of its
own. Both count as often as the sizes of the enclosing lists allow.

A field's `first` applies to the next lists below it: `members(first: 100) { nodes { name } }` holds
at most a hundred names. The metadata of a field may name another argument that limits its items,
by its value or by its length: {"size_argument": "points"}; and the number of items without it:
{"default_size": 100}. A list without any counts as one item, or as many as the metadata of its
field say: {"max_items": 1_000}.

The bytes of a large request cost points, too: it is parsed, validated and converted.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

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
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from graphql.type import GraphQLInterfaceType
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app.schema.http.graphql_request import LARGE_REQUEST_BYTES

Value = TypeVar("Value")
Variables = Mapping[str, object]

VALUES = "values of the result"
"""The name under which the points of the values are counted."""
REQUEST = "the bytes of the request"
"""The name under which the points of a large request are counted."""
SECONDS_PER_POINT = 10e-6
"""The server's time that a point stands for."""
_POINTS_PER_KIB = 4

_JSON_VALUES = "JSON values"
# A text has usually less than 1 KiB.
_MAX_SMALL_VALUES = 20_000

LARGEST_PAGE_SIZE = 1_000
_COST = "cost"
_JSON_TYPE = "JSON"


class FieldCost(NamedTuple):
    """The points of a field, and those of each element.

    The argument `size_argument` gives the number of elements by its value or by its length; or they
    are the objects inside the argument `object_argument`, such as the conditions of a filter.
    """

    points: int
    element_points: int = 0
    size_argument: str | None = None
    object_argument: str | None = None


def set_costs(schema: GraphQLSchema, costs: Mapping[str, FieldCost]) -> None:
    """Sets the costs of fields, by their coordinates, like "Segment.memberCount". Raises KeyError
    for a field that does not exist."""
    for coordinate, cost in costs.items():
        type_name, _, field_name = coordinate.partition(".")
        type_ = schema.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType), coordinate
        type_.fields[field_name].extensions[_COST] = coordinate, cost


@dataclass(frozen=True, slots=True)
class VariableSize:
    """The size of a list that a variable gives: its value, or its own length if it is a list."""

    variable: str
    default: int
    minimum: int = 1

    def read(self, variables: Variables | None) -> int:
        """Returns the size; LARGEST_PAGE_SIZE if `variables` is None."""
        if variables is None:
            return max(LARGEST_PAGE_SIZE, self.minimum)
        # Null stands for the default.
        value = variables.get(self.variable) or self.default
        size = len(value) if isinstance(value, list) else value
        return max(size, self.minimum) if isinstance(size, int) else self.minimum

    def at_least(self, minimum: int) -> "VariableSize":
        return VariableSize(self.variable, self.default, max(self.minimum, minimum))


@dataclass(frozen=True, slots=True)
class VariableObjectCount:
    """The number of objects inside the value of a variable."""

    variable: str

    def read(self, variables: Variables | None) -> int:
        """Returns the number; LARGEST_PAGE_SIZE if `variables` is None."""
        if variables is None:
            return LARGEST_PAGE_SIZE
        return _count_objects(variables.get(self.variable))


def _count_objects(value: object) -> int:
    match value:
        case dict():
            return 1 + sum(map(_count_objects, value.values()))
        case list():
            return sum(map(_count_objects, value))
    return 0


Size = int | VariableSize
Count = Size | VariableObjectCount


@dataclass(slots=True)
class CostFormula:
    """The points of a selection, by field, and those of lists whose sizes variables give."""

    points_by_field: Counter[str] = field(default_factory=Counter)
    variable_lists: list[tuple[int, VariableSize | VariableObjectCount, "CostFormula"]] = field(
        default_factory=list
    )
    """Each with the number of times that it occurs."""

    def add(self, other: "CostFormula", times: Count = 1) -> None:
        """Adds the points of another selection, which occurs that many times."""
        if not isinstance(times, int):
            self.variable_lists.append((1, times, other))
            return
        for name, points in other.points_by_field.items():
            self.points_by_field[name] += points * times
        self.variable_lists += (
            (count * times, size, formula) for count, size, formula in other.variable_lists
        )

    def may_be_large(self) -> bool:
        """Whether a result may be larger than a few MiB."""
        costs = self.compute_by_field(None)
        # One JSON value, such as an explanation or a filter, may be larger than the limit.
        return costs[_JSON_VALUES] > 0 or costs[VALUES] > _MAX_SMALL_VALUES

    def compute(self, variables: Variables | None) -> int:
        """Returns the cost. If `variables` is None, it holds for any pages that they request."""
        cost = sum(self.points_by_field.values())
        for count, size, formula in self.variable_lists:
            cost += count * size.read(variables) * formula.compute(variables)
        return cost

    def compute_by_field(self, variables: Variables | None) -> Counter[str]:
        """Returns the cost of each field."""
        costs = self.points_by_field.copy()
        for count, size, formula in self.variable_lists:
            factor = count * size.read(variables)
            for name, points in formula.compute_by_field(variables).items():
                costs[name] += factor * points
        return costs


def compute_request_points(size_bytes: int) -> int:
    """Returns the points of the bytes of a request; 0 if it is not large."""
    return max(size_bytes - LARGE_REQUEST_BYTES, 0) * _POINTS_PER_KIB // 1024


def compile_costs(
    schema: GraphQLSchema, document: DocumentNode
) -> Iterator[tuple[OperationDefinitionNode, CostFormula]]:
    """Yields each operation of a valid document with the formula of its cost."""
    compiler = _Compiler(schema, document)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            root = schema.get_root_type(definition.operation)
            yield definition, compiler.compile(definition.selection_set, root, 1)


class _Compiler:
    """Limits on documents have to bound the fields, with the fragments expanded."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._fragment_formulas: dict[tuple[str, Size], CostFormula] = {}

    def compile(
        self,
        selection_set: SelectionSetNode | None,
        parent: GraphQLNamedType | None,
        page_size: Size,
    ) -> CostFormula:
        """Returns the formula of a selection; `page_size` is the size of its next lists."""
        formula = CostFormula()
        for selection in selection_set.selections if selection_set else ():
            match selection:
                case FieldNode():
                    self._add_field(formula, selection, parent, page_size)
                case InlineFragmentNode(type_condition=condition, selection_set=inner):
                    type_ = self._schema.get_type(condition.name.value) if condition else parent
                    formula.add(self.compile(inner, type_, page_size))
                case FragmentSpreadNode(name=name):
                    formula.add(self._compile_fragment(name.value, page_size))
        return formula

    def _compile_fragment(self, name: str, page_size: Size) -> CostFormula:
        """Compiles the fragment once for each page size, however often the document spreads it."""
        if (name, page_size) not in self._fragment_formulas:
            fragment = self._fragments[name]
            type_ = self._schema.get_type(fragment.type_condition.name.value)
            self._fragment_formulas[name, page_size] = self.compile(
                fragment.selection_set, type_, page_size
            )
        return self._fragment_formulas[name, page_size]

    def _add_field(
        self,
        formula: CostFormula,
        node: FieldNode,
        parent: GraphQLNamedType | None,
        page_size: Size,
    ) -> None:
        field_ = (
            self._schema.get_field(parent, node.name.value)
            if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType)
            else None
        )
        if field_ is None:
            formula.points_by_field[VALUES] += 1
            return
        size_argument = _read_metadata(field_, "size_argument", "first")
        if size_argument in field_.args:
            page_size = _read_size(
                node, field_, size_argument, _read_metadata(field_, "default_size", 1)
            )
        if _COST in field_.extensions:
            coordinate, cost = field_.extensions[_COST]
            formula.points_by_field[coordinate] += cost.points
            element_cost = CostFormula(Counter({coordinate: cost.element_points}))
            if cost.size_argument is not None:
                formula.add(element_cost, _read_size(node, field_, cost.size_argument))
            for count in _count_argument_objects(node, cost.object_argument):
                formula.add(element_cost, count)
        inner_type = get_named_type(field_.type)
        if is_list_type(get_nullable_type(field_.type)):
            items = self.compile(node.selection_set, inner_type, 1)
            _count_value(items, inner_type)
            formula.add(items, _at_least(page_size, _read_metadata(field_, "max_items", 1)))
        else:
            _count_value(formula, inner_type)
            formula.add(self.compile(node.selection_set, inner_type, page_size))


def _count_value(formula: CostFormula, type_: GraphQLNamedType) -> None:
    formula.points_by_field[VALUES] += 1
    if type_.name == _JSON_TYPE:
        formula.points_by_field[_JSON_VALUES] += 1


def _at_least(size: Size, minimum: int) -> Size:
    return max(size, minimum) if isinstance(size, int) else size.at_least(minimum)


def _read_size(node: FieldNode, field_: GraphQLField, argument_name: str, default: int = 1) -> Size:
    """Returns the size that an argument of the field requests."""
    default_value = field_.args[argument_name].default_value
    default_size = default_value if isinstance(default_value, int) else default
    size: Size = default_size
    for argument in node.arguments or ():
        if argument.name.value != argument_name:
            continue
        match argument.value:
            case IntValueNode(value=digits):
                size = max(int(digits), 1)
            case ListValueNode(values=values):
                size = max(len(values), 1)
            case VariableNode(name=name):
                size = VariableSize(name.value, default_size)
    return size


def _count_argument_objects(node: FieldNode, argument_name: str | None) -> Iterator[Count]:
    """Yields numbers whose sum is the number of objects in an argument of the field."""
    for argument in node.arguments or ():
        if argument.name.value == argument_name:
            yield from _count_literal_objects(argument.value)


def _count_literal_objects(value: ValueNode) -> Iterator[Count]:
    match value:
        case ObjectValueNode(fields=fields):
            yield 1
            for object_field in fields:
                yield from _count_literal_objects(object_field.value)
        case ListValueNode(values=values):
            for item in values:
                yield from _count_literal_objects(item)
        case VariableNode(name=name):
            yield VariableObjectCount(name.value)


def _read_metadata(field_: GraphQLField, key: str, default: Value) -> Value:
    """Returns an entry of the metadata of a field; the default if it has none."""
    definition = field_.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    value: Value = definition.metadata.get(key, default) if definition else default
    return value
