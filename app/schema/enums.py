"""Enums of the domain as GraphQL enums, with a description for every value."""

from collections.abc import Mapping
from enum import Enum

import strawberry


def register_enum(
    enum_class: type[Enum],
    description: str,
    value_descriptions: Mapping[str, str],
    name: str | None = None,
) -> None:
    """Makes an enum a GraphQL enum.

    `value_descriptions` has a description for the name of every member; KeyError if one is missing.
    `name` is the GraphQL name, by default that of the class.
    """
    strawberry.enum(enum_class, name=name, description=description)
    definition = enum_class.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = value_descriptions[value.name]
