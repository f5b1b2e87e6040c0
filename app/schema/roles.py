"""The role that each field needs."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, default_field_resolver

from app.domain.api_keys import Role
from app.errors import Forbidden

ROOT_FIELD_ROLES: Mapping[str, Role] = {
    "Query.codePools": Role.READ,
    "Query.codeRecipients": Role.READ,
    "Query.customer": Role.READ,
    "Query.customers": Role.READ,
    "Query.customersByEmail": Role.READ,
    "Query.customersByRef": Role.READ,
    "Query.distributions": Role.READ,
    "Query.engineStatus": Role.READ,
    "Query.export": Role.READ,
    "Query.exportFields": Role.READ,
    "Query.exports": Role.READ,
    "Query.filterAttributes": Role.READ,
    "Query.filterEvents": Role.READ,
    "Query.filterFromVoucherify": Role.READ,
    "Query.filterOperators": Role.READ,
    "Query.filterValueSuggestions": Role.READ,
    "Query.loyaltyPrograms": Role.READ,
    "Query.metadataDefinitions": Role.READ,
    "Query.node": Role.READ,
    "Query.project": Role.READ,
    "Query.referralPrograms": Role.READ,
    "Query.segment": Role.READ,
    "Query.segmentMembership": Role.CHECK,
    "Query.segmentPreview": Role.READ,
    "Query.segmentTransitions": Role.READ,
    "Query.segments": Role.READ,
    "Query.transitionsCursor": Role.READ,
    "Query.validate": Role.CHECK,
    "Query.validationRules": Role.READ,
    "Query.viewer": Role.CHECK,
    "Mutation.codePoolAddCodes": Role.ADMIN,
    "Mutation.codePoolCreate": Role.ADMIN,
    "Mutation.codePoolDelete": Role.ADMIN,
    "Mutation.customerDelete": Role.WRITE,
    "Mutation.customerUpsert": Role.WRITE,
    "Mutation.customersUpsert": Role.WRITE,
    "Mutation.deliveriesRetry": Role.ADMIN,
    "Mutation.deliveryRetry": Role.ADMIN,
    "Mutation.distributionCreate": Role.ADMIN,
    "Mutation.distributionDelete": Role.ADMIN,
    "Mutation.distributionRotateSecret": Role.ADMIN,
    "Mutation.distributionSetState": Role.ADMIN,
    "Mutation.distributionTest": Role.ADMIN,
    "Mutation.distributionUpdate": Role.ADMIN,
    "Mutation.earningRuleCreate": Role.WRITE,
    "Mutation.earningRuleDelete": Role.WRITE,
    "Mutation.earningRuleSetEnabled": Role.WRITE,
    "Mutation.eventsTrack": Role.WRITE,
    "Mutation.exportCancel": Role.WRITE,
    "Mutation.loyaltyProgramCreate": Role.ADMIN,
    "Mutation.loyaltyProgramDelete": Role.ADMIN,
    "Mutation.metadataDefinitionSet": Role.ADMIN,
    "Mutation.ordersUpsert": Role.WRITE,
    "Mutation.pointsAdjust": Role.ADMIN,
    "Mutation.referralProgramCreate": Role.ADMIN,
    "Mutation.referralProgramDelete": Role.ADMIN,
    "Mutation.referralRecord": Role.ADMIN,
    "Mutation.segmentCreate": Role.WRITE,
    "Mutation.segmentDelete": Role.WRITE,
    "Mutation.segmentExport": Role.WRITE,
    "Mutation.segmentUpdate": Role.WRITE,
    "Mutation.validationRuleCreate": Role.WRITE,
    "Mutation.validationRuleDelete": Role.WRITE,
    "Mutation.validationRuleUpdate": Role.WRITE,
    "Subscription.exportProgress": Role.READ,
    "Subscription.segmentTransitions": Role.READ,
}

CHECK_FIELDS: Mapping[str, frozenset[str]] = {
    "Segment": frozenset(("id", "name", "kind")),
    "SegmentMembership": frozenset(("segment", "isMember", "evaluatedAt", "changesAt")),
    "Validation": frozenset(("valid", "reason", "evaluatedAt")),
    "Viewer": frozenset(("keyName", "role", "expiresAt")),
}
"""Every object type that a caller with the role CHECK can reach, and the fields that they may read.
The other fields of these types need READ."""

_MINIMUM_ROLE = "minimumRole"

Resolver = Callable[..., Any]


def require_roles(schema: GraphQLSchema) -> None:
    """Makes every root field, and every other field of the types in CHECK_FIELDS, check the role
    of the caller. Raises ValueError if the table of root fields is not complete."""
    roles = {**ROOT_FIELD_ROLES}
    fields = dict(_root_fields(schema))
    if fields.keys() != roles.keys():
        differing_fields = ", ".join(sorted(fields.keys() ^ roles.keys()))
        raise ValueError(f"correct ROOT_FIELD_ROLES in app/schema/roles.py: {differing_fields}")
    for type_name, check_fields in CHECK_FIELDS.items():
        for name, field in _object_type(schema, type_name).fields.items():
            if name not in check_fields:
                fields[f"{type_name}.{name}"] = field
                roles[f"{type_name}.{name}"] = Role.READ
    for coordinate, field in fields.items():
        field.extensions[_MINIMUM_ROLE] = coordinate, roles[coordinate]
        if field.subscribe is not None:
            field.subscribe = with_role_check(field, field.subscribe)
        else:
            field.resolve = with_role_check(field, field.resolve or default_field_resolver)


def with_role_check(field: GraphQLField, resolve: Resolver) -> Resolver:
    """Returns a resolver of the field that raises Forbidden if the caller's role does not suffice.
    Returns `resolve` itself for a field that needs no role."""
    if _MINIMUM_ROLE not in field.extensions:
        return resolve
    coordinate, minimum_role = field.extensions[_MINIMUM_ROLE]

    def check_and_resolve(source: Any, info: Any, **arguments: Any) -> Any:
        role = info.context.caller.role
        if not role.includes(minimum_role):
            raise Forbidden(
                f"{coordinate} needs a key with the role {minimum_role.value}; this one has the"
                f" role {role.value}."
            )
        return resolve(source, info, **arguments)

    return check_and_resolve


def is_allowed(field: GraphQLField, context: Any) -> bool:
    """Whether the role of the context's caller suffices for the field."""
    if _MINIMUM_ROLE not in field.extensions:
        return True
    _, minimum_role = field.extensions[_MINIMUM_ROLE]
    return bool(context.caller.role.includes(minimum_role))


def _root_fields(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLField]]:
    for type_ in (schema.query_type, schema.mutation_type, schema.subscription_type):
        if type_ is not None:
            for name, field in type_.fields.items():
                yield f"{type_.name}.{name}", field


def _object_type(schema: GraphQLSchema, name: str) -> GraphQLObjectType:
    type_ = schema.type_map[name]
    assert isinstance(type_, GraphQLObjectType)
    return type_
