"""How much one document may ask for: counted in one linear pass, before it is validated."""

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


class Size(NamedTuple):
    """What a selection comes to once its fragments are spread out."""

    levels: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0

    def and_beside(self, other: "Size") -> "Size":
        return Size(
            max(self.levels, other.levels),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
            self.root_fields + other.root_fields,
        )


MOST = Size(levels=15, fields=2_000, aliases=100, directives=50, root_fields=50)


def excess(document: DocumentNode) -> Iterator[tuple[OperationDefinitionNode, str]]:
    """The operations that ask for too much, and in what."""
    measure = _Measure(document)
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode):
            continue
        try:
            size = measure.selections(definition.selection_set)
        except RecursionError:
            yield definition, f"more than {MOST.levels} levels"
            continue
        size = size._replace(directives=size.directives + len(definition.directives or ()))
        for what, count, most in zip(Size._fields, size, MOST, strict=True):
            if count > most:
                yield definition, f"more than {most:,} {what.replace('_', ' ')}"
                break


class _Measure:
    """Each fragment is measured once, however often it is spread."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._known: dict[str, Size] = {}

    def selections(self, selected: SelectionSetNode | None) -> Size:
        size = Size()
        for selection in selected.selections if selected else ():
            size = size.and_beside(self._selection(selection))
        return size

    def _selection(self, selection: SelectionNode) -> Size:
        directives = Size(directives=len(selection.directives or ()))
        if isinstance(selection, FragmentSpreadNode):
            return directives.and_beside(self._fragment(selection.name.value))
        inside = self.selections(selection.selection_set)  # type: ignore[attr-defined]
        if not isinstance(selection, FieldNode):
            return directives.and_beside(inside)
        # graphql-core has a rule of its own for the depth of introspection.
        introspects = selection.name.value.startswith("__")
        return inside._replace(
            levels=0 if introspects else inside.levels + 1,
            fields=inside.fields + 1,
            aliases=inside.aliases + (selection.alias is not None),
            directives=inside.directives + directives.directives,
            root_fields=1,
        )

    def _fragment(self, name: str) -> Size:
        if name not in self._known:
            # A fragment that spreads itself finds itself empty; validation refuses it.
            self._known[name] = Size()
            fragment = self._fragments.get(name)
            self._known[name] = self.selections(fragment.selection_set) if fragment else Size()
        return self._known[name]
