"""What each role may do: every root field, and every field of what the role CHECK can reach."""

import pytest
import pytest_asyncio
from graphql import GraphQLObjectType, OperationType, get_named_type

from app.domain.api_keys import Caller, Role
from app.schema import Context, schema
from app.schema.http.graphql_request import GraphQLRequest
from app.schema.http.operations import Operations
from app.schema.roles import CHECK_FIELDS, ROOT_FIELD_ROLES, require_roles
from tests.access.conftest import GRAPHQL, KeyedApi
from tests.access.minimal_queries import RootField, root_fields, select
from tests.api import Json
from tests.schema.segment_queries import ALL_CUSTOMERS_FILTER

pytestmark = pytest.mark.asyncio(loop_scope="module")

HeadersByRole = dict[Role, dict[str, str]]

# As the contract lists them; a read key has all queries and subscriptions, an admin key everything.
CHECK_ROOT_FIELDS = {"segmentMembership", "validate", "viewer"}
WRITE_ROOT_FIELDS = {
    *("customerUpsert", "customersUpsert", "customerDelete", "eventsTrack", "ordersUpsert"),
    *("segmentCreate", "segmentUpdate", "segmentDelete", "segmentExport", "exportCancel"),
    *("validationRuleCreate", "validationRuleUpdate", "validationRuleDelete"),
    *("earningRuleCreate", "earningRuleSetEnabled", "earningRuleDelete"),
}
READABLE_BY_CHECK = {
    "Segment": {"id", "name", "kind"},
    "SegmentMembership": {"segment", "isMember", "evaluatedAt", "changesAt"},
    "Validation": {"valid", "reason", "evaluatedAt"},
    "Viewer": {"keyName", "role", "expiresAt"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ids(keyed_api: KeyedApi, headers_by_role: HeadersByRole) -> Json:
    """The ids of a segment and of a validation rule."""
    result = await keyed_api.execute(
        "mutation($filter: FilterInput!) {"
        ' segmentCreate(input: {name: "All", definition: {filter: $filter}}) { segment { id } }'
        ' validationRuleCreate(input: {name: "All", filter: $filter}) { validationRule { id } } }',
        headers_by_role[Role.WRITE],
        filter=ALL_CUSTOMERS_FILTER,
    )
    return {
        "segment": result["data"]["segmentCreate"]["segment"]["id"],
        "rule": result["data"]["validationRuleCreate"]["validationRule"]["id"],
    }


def roles_of(field: RootField) -> set[Role]:
    if field.operation is OperationType.MUTATION:
        return {Role.ADMIN, Role.WRITE} if field.name in WRITE_ROOT_FIELDS else {Role.ADMIN}
    readers = {Role.ADMIN, Role.WRITE, Role.READ}
    return {*readers, Role.CHECK} if field.name in CHECK_ROOT_FIELDS else readers


def codes(result: Json) -> list[str]:
    return [error["extensions"]["code"] for error in result.get("errors", ())]


@pytest.mark.parametrize("field", list(root_fields(schema._schema)), ids=str)
@pytest.mark.parametrize("role", Role)
async def test_every_root_field_checks_the_role(
    keyed_api: KeyedApi, headers_by_role: HeadersByRole, field: RootField, role: Role
) -> None:
    query = field.query
    if field.operation is OperationType.SUBSCRIPTION:
        # Ends by itself: a cursor that is invalid, or an export that does not exist.
        query = query.replace("segmentTransitions", 'segmentTransitions(after: "none")')
        headers = {**headers_by_role[role], "Accept": "text/event-stream"}
        text = (await keyed_api.post(query, headers, "/graphql/stream")).text
        assert text.count('"code":') == 1
        is_forbidden = '"FORBIDDEN"' in text
    else:
        response = await keyed_api.post(query, headers_by_role[role])
        assert response.status_code == 200
        result = response.json()
        is_forbidden = "FORBIDDEN" in codes(result)
        if is_forbidden:
            assert result["errors"][0]["path"] == [field.name]

    assert is_forbidden == (role not in roles_of(field))


async def test_only_the_forbidden_field_fails(
    keyed_api: KeyedApi, headers_by_role: HeadersByRole
) -> None:
    query = "{ viewer { role } segment(id: 1) { name } }"
    headers = headers_by_role[Role.CHECK]
    legacy = await keyed_api.post(query, headers)
    modern = await keyed_api.post(query, {**headers, "Accept": GRAPHQL})

    assert (legacy.status_code, modern.status_code) == (200, 294)
    assert legacy.json() == modern.json()
    assert legacy.json()["data"] == {"viewer": {"role": "CHECK"}, "segment": None}
    (error,) = legacy.json()["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert error["path"] == ["segment"]


async def test_a_forbidden_mutation_changes_nothing(
    keyed_api: KeyedApi, headers_by_role: HeadersByRole
) -> None:
    result = await keyed_api.execute(
        'mutation { customerUpsert(input: {sourceId: "forbidden"}) { customer { id } } }',
        headers_by_role[Role.READ],
    )

    assert codes(result) == ["FORBIDDEN"]
    assert keyed_api.api.database.customers.count_documents({"sourceId": "forbidden"}) == 0


@pytest.mark.parametrize("uses_fast_executor", [False, True])
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("type_name", READABLE_BY_CHECK)
async def test_what_check_may_read(
    keyed_api: KeyedApi, ids: Json, type_name: str, role: Role, uses_fast_executor: bool
) -> None:
    operations = Operations(schema, 60, 200_000, uses_fast_executor=uses_fast_executor)
    api = keyed_api.api

    async def make_context() -> Context:
        return Context(api.services, api.services.now(), Caller(role), str)

    type_ = schema._schema.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    readable = set()
    for name, field in type_.fields.items():
        query = _query_of(type_name, ids, f"alias: {select(name, field)}")
        operation = await operations.prepare(GraphQLRequest(query))
        result = await operation.run(make_context)
        if codes(result) != ["FORBIDDEN"]:
            assert "errors" not in result
            readable.add(name)

    assert readable == (READABLE_BY_CHECK[type_name] if role is Role.CHECK else {*type_.fields})


def _query_of(type_name: str, ids: Json, selection: str) -> str:
    """Returns a query with the selection on an object of the type."""
    customer = 'customer: {sourceId: "x"}'
    membership = f'segmentMembership({customer}, segmentIds: ["{ids["segment"]}"])'
    return {
        "Segment": f"{{ {membership} {{ segment {{ {selection} }} }} }}",
        "SegmentMembership": f"{{ {membership} {{ {selection} }} }}",
        "Validation": f'{{ validate(ruleId: "{ids["rule"]}", {customer}) {{ {selection} }} }}',
        "Viewer": f"{{ viewer {{ {selection} }} }}",
    }[type_name]


async def test_check_reaches_no_other_type() -> None:
    types = schema._schema.type_map
    query_type = types["Query"]
    assert isinstance(query_type, GraphQLObjectType)
    reached = {get_named_type(query_type.fields[name].type).name for name in CHECK_ROOT_FIELDS}
    for type_name in list(reached):
        type_ = types[type_name]
        assert isinstance(type_, GraphQLObjectType)
        reached |= {
            inner.name
            for name in READABLE_BY_CHECK[type_name]
            if isinstance(inner := get_named_type(type_.fields[name].type), GraphQLObjectType)
        }

    assert reached == READABLE_BY_CHECK.keys() == CHECK_FIELDS.keys()


async def test_a_forbidden_id_answers_as_one_that_does_not_exist(
    keyed_api: KeyedApi, headers_by_role: HeadersByRole, ids: Json
) -> None:
    query = "query($id: ID!) { node(id: $id) { id } segment(id: $id) { name } }"
    known, unknown = [
        await keyed_api.execute(query, headers_by_role[Role.CHECK], id=id_)
        for id_ in (ids["segment"], "seg_" + 24 * "0")
    ]

    assert codes(known) == ["FORBIDDEN", "FORBIDDEN"]
    assert known == unknown


async def test_a_root_field_without_a_role_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ROOT_FIELD_ROLES, "Query.viewer")

    with pytest.raises(ValueError, match=r"correct ROOT_FIELD_ROLES .*: Query\.viewer"):
        require_roles(schema._schema)
