"""Limits on the size of a document. One linear pass checks them before validation."""

from collections.abc import Iterator
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)


class DocumentSize(NamedTuple):
    """The size of a selection set with its fragments expanded."""

    levels: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    schema_aliases: int = 0
    """Aliases of `__schema`, and below it. Each may repeat the whole introspection."""

    def combine(self, other: "DocumentSize") -> "DocumentSize":
        return DocumentSize(
            max(self.levels, other.levels),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
            self.root_fields + other.root_fields,
            self.schema_aliases + other.schema_aliases,
        )


MAX_DOCUMENT_SIZE = DocumentSize(
    levels=15, fields=2_000, aliases=100, directives=50, root_fields=50, schema_aliases=1
)


def find_exceeded_limits(document: DocumentNode) -> Iterator[tuple[OperationDefinitionNode, str]]:
    """Yields the operations that exceed a limit, and the limit in words."""
    calculator = _DocumentSizeCalculator(document)
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode):
            continue
        try:
            size = calculator.measure_selection_set(definition.selection_set)
        except RecursionError:
            yield definition, f"more than {MAX_DOCUMENT_SIZE.levels} levels"
            continue
        size = size._replace(directives=size.directives + len(definition.directives or ()))
        for limit_name, count, limit in zip(
            DocumentSize._fields, size, MAX_DOCUMENT_SIZE, strict=True
        ):
            if count > limit:
                yield definition, f"more than {limit:,} {limit_name.replace('_', ' ')}"
                break


class _DocumentSizeCalculator:
    """Computes sizes. It measures each fragment once, however often the document spreads it."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._fragment_sizes: dict[str, DocumentSize] = {}

    def measure_selection_set(self, selection_set: SelectionSetNode | None) -> DocumentSize:
        size = DocumentSize()
        for selection in selection_set.selections if selection_set else ():
            size = size.combine(self._measure_selection(selection))
        return size

    def _measure_selection(self, selection: SelectionNode) -> DocumentSize:
        directives_size = DocumentSize(directives=len(selection.directives or ()))
        if isinstance(selection, FragmentSpreadNode):
            return directives_size.combine(self._measure_fragment(selection.name.value))
        nested_size = self.measure_selection_set(selection.selection_set)  # type: ignore[attr-defined]
        if not isinstance(selection, FieldNode):
            return directives_size.combine(nested_size)
        aliases = nested_size.aliases + (selection.alias is not None)
        # graphql-core has a rule of its own for the depth of introspection.
        is_introspection = selection.name.value.startswith("__")
        return nested_size._replace(
            levels=0 if is_introspection else nested_size.levels + 1,
            fields=nested_size.fields + 1,
            aliases=aliases,
            directives=nested_size.directives + directives_size.directives,
            root_fields=1,
            schema_aliases=aliases if selection.name.value == "__schema" else 0,
        )

    def _measure_fragment(self, name: str) -> DocumentSize:
        if name not in self._fragment_sizes:
            # A fragment that spreads itself counts as empty here. Validation rejects it.
            self._fragment_sizes[name] = DocumentSize()
            fragment = self._fragments.get(name)
            self._fragment_sizes[name] = (
                self.measure_selection_set(fragment.selection_set) if fragment else DocumentSize()
            )
        return self._fragment_sizes[name]
