"""What a field's selection contains."""

from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionSetNode,
)

from app.schema.context import Info


def selects_field(info: Info, *names: str) -> bool:
    """Returns whether the selection of the current field contains a field with one of these names,
    at any depth and of any type."""
    raw_info: GraphQLResolveInfo[Any] = info._raw_info
    pending: list[SelectionSetNode | None] = [node.selection_set for node in raw_info.field_nodes]
    visited_fragments: set[str] = set()
    while pending:
        selection_set = pending.pop()
        for selection in selection_set.selections if selection_set else ():
            match selection:
                case FieldNode(name=field_name, selection_set=inner):
                    if field_name.value in names:
                        return True
                    pending.append(inner)
                case InlineFragmentNode(selection_set=inner):
                    pending.append(inner)
                case FragmentSpreadNode(name=fragment_name):
                    if fragment_name.value not in visited_fragments:
                        visited_fragments.add(fragment_name.value)
                        pending.append(raw_info.fragments[fragment_name.value].selection_set)
    return False
