"""A mutation that creates something can be repeated with its idempotency key."""

import asyncio
from uuid import uuid4

import pytest
import pytest_asyncio
from graphql import GraphQLObjectType, build_schema

from app.schema import schema
from tests.api import Api
from tests.creating_mutations import (
    CREATING_MUTATIONS,
    MUTATIONS_BY_FIELD,
    CreatingMutation,
    Ids,
    create_used_objects,
    each_mutation,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE_WEBHOOK = """mutation($input: DistributionInput!, $key: String) {
  distributionCreate(input: $input, idempotencyKey: $key) { distribution { id } secret }
}"""
RENAME = """mutation($id: ID!, $input: SegmentUpdateInput!) {
  segmentUpdate(id: $id, input: $input) { segment { name } }
}"""
DELETE = "mutation($id: ID!) { segmentDelete(id: $id) { deletedId userErrors { code } } }"
NAME_OF_REPEATED = """mutation($input: SegmentCreateInput!, $idempotencyKey: String) {
  segmentCreate(input: $input, idempotencyKey: $idempotencyKey) { segment { id name } }
}"""
NUL = "\0"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ids(api: Api) -> Ids:
    return await create_used_objects(api)


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return uuid4().hex


@pytest.fixture
def key() -> str:
    """A key that no other test uses."""
    return uuid4().hex


async def test_each_mutation_that_creates_takes_a_key() -> None:
    mutation_type = build_schema(schema.as_str()).mutation_type
    assert isinstance(mutation_type, GraphQLObjectType)
    fields = mutation_type.fields
    with_key = {name for name, field in fields.items() if "idempotencyKey" in field.args}

    assert with_key == MUTATIONS_BY_FIELD.keys()
    assert {name for name in fields if name.endswith("Create")} <= with_key


@each_mutation
async def test_a_repeat_answers_the_same_and_writes_nothing(
    api: Api, ids: Ids, mutation: CreatingMutation, name: str, key: str
) -> None:
    arguments, before = mutation.make_arguments(name, ids), mutation.count(api)
    id_ = await mutation.create(api, key, arguments)
    assert mutation.count(api) == before + 1

    hashes = api.hash_collections()
    assert await mutation.create(api, key, arguments) == id_
    assert api.hash_collections() == hashes


@each_mutation
async def test_another_input_is_refused(
    api: Api, ids: Ids, mutation: CreatingMutation, name: str, key: str
) -> None:
    await mutation.create(api, key, mutation.make_arguments(name, ids))
    hashes = api.hash_collections()

    other_arguments = mutation.make_arguments(f"{name}2", ids)
    payload = await api.fetch(mutation.query, idempotencyKey=key, **other_arguments)

    assert [(error["code"], error["path"]) for error in payload["userErrors"]] == [
        ("INVALID", ["idempotencyKey"])
    ]
    assert "or use another key" in payload["userErrors"][0]["message"]
    assert api.hash_collections() == hashes


@each_mutation
async def test_concurrent_repeats_create_one_object(
    api: Api, ids: Ids, mutation: CreatingMutation, name: str, key: str
) -> None:
    arguments, before = mutation.make_arguments(name, ids), mutation.count(api)

    created_ids = await asyncio.gather(*(mutation.create(api, key, arguments) for _ in range(10)))

    assert len({*created_ids}) == 1
    assert mutation.count(api) == before + 1


@each_mutation
async def test_keys_that_are_refused(
    api: Api, ids: Ids, mutation: CreatingMutation, name: str
) -> None:
    arguments, hashes = mutation.make_arguments(name, ids), api.hash_collections()
    for key in ("", "k" * 256, f"a{NUL}"):
        errors = await api.list_errors(mutation.query, idempotencyKey=key, **arguments)
        assert errors == ["INVALID idempotencyKey"]
    assert api.hash_collections() == hashes

    await mutation.create(api, ("é" + name).ljust(255, "k"), arguments)


async def test_without_a_key_each_request_creates(api: Api, ids: Ids, name: str) -> None:
    mutation = MUTATIONS_BY_FIELD["loyaltyProgramCreate"]
    arguments = mutation.make_arguments(name, ids)

    created_ids = [await mutation.create(api, None, arguments) for _ in range(2)]

    assert len({*created_ids}) == 2


async def test_one_key_serves_each_mutation(api: Api, ids: Ids, name: str, key: str) -> None:
    created_ids = [
        await mutation.create(api, key, mutation.make_arguments(name, ids))
        for mutation in CREATING_MUTATIONS
    ]

    assert len({*created_ids}) == len(CREATING_MUTATIONS)


async def test_two_requests_of_one_document_create_once(api: Api, ids: Ids, key: str) -> None:
    document = """mutation($input: LoyaltyProgramInput!, $key: String) {
      first: loyaltyProgramCreate(input: $input, idempotencyKey: $key) { program { id } }
      second: loyaltyProgramCreate(input: $input, idempotencyKey: $key) { program { id } }
    }"""
    data = (await api.execute(document, input={"name": "twice"}, key=key))["data"]

    assert data["first"] == data["second"]


async def test_the_order_of_the_fields_does_not_count(
    api: Api, ids: Ids, name: str, key: str
) -> None:
    mutation = MUTATIONS_BY_FIELD["distributionCreate"]
    arguments = mutation.make_arguments(name, ids)
    webhook = arguments["input"]["channel"]["webhook"]
    webhook["headers"] = {"X-First": "1", "X-Second": "2"}
    id_ = await mutation.create(api, key, arguments)
    webhook["headers"] = {"X-Second": "2", "X-First": "1"}

    assert await mutation.create(api, key, arguments) == id_


async def test_a_failed_request_uses_no_key(api: Api, ids: Ids, name: str, key: str) -> None:
    mutation = MUTATIONS_BY_FIELD["segmentCreate"]
    await mutation.create(api, None, mutation.make_arguments(name, ids))
    taken = await api.list_errors(
        mutation.query, idempotencyKey=key, **mutation.make_arguments(name, ids)
    )
    assert taken == ["TAKEN input name"]

    assert await mutation.create(api, key, mutation.make_arguments(f"{name}2", ids))


@pytest.mark.parametrize(
    "pool", ["cop_" + "0" * 24, NUL, "x" * 2_000_000], ids=["zeros", "NUL", "2 MB"]
)
async def test_codes_for_an_unknown_pool_use_no_key(
    api: Api, ids: Ids, name: str, key: str, pool: str
) -> None:
    mutation, hashes = MUTATIONS_BY_FIELD["codePoolAddCodes"], api.hash_collections()

    errors = await api.list_errors(mutation.query, idempotencyKey=key, id=pool, codes=[name])

    assert errors == ["NOT_FOUND id"]
    assert api.hash_collections() == hashes


async def test_a_repeat_answers_with_the_present_state(
    api: Api, ids: Ids, name: str, key: str
) -> None:
    mutation = MUTATIONS_BY_FIELD["segmentCreate"]
    arguments = mutation.make_arguments(name, ids)
    id_ = await mutation.create(api, key, arguments)
    await api.fetch(RENAME, id=id_, input={"name": f"{name} renamed"})

    payload = await api.fetch(NAME_OF_REPEATED, idempotencyKey=key, **arguments)

    assert payload["segment"] == {"id": id_, "name": f"{name} renamed"}


async def test_a_repeat_says_that_the_object_has_been_deleted(
    api: Api, ids: Ids, name: str, key: str
) -> None:
    mutation = MUTATIONS_BY_FIELD["segmentCreate"]
    arguments = mutation.make_arguments(name, ids)
    id_ = await mutation.create(api, key, arguments)
    await api.fetch(DELETE, id=id_)

    payload = await api.fetch(mutation.query, idempotencyKey=key, **arguments)

    (error,) = payload["userErrors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["idempotencyKey"])
    assert "use another key" in error["message"]


async def test_a_repeat_succeeds_although_its_input_is_no_longer_valid(
    api: Api, ids: Ids, name: str, key: str
) -> None:
    segment_mutation = MUTATIONS_BY_FIELD["segmentCreate"]
    segment = await segment_mutation.create(api, None, segment_mutation.make_arguments(name, ids))
    export_mutation = MUTATIONS_BY_FIELD["segmentExport"]
    arguments = {"input": {"segmentId": segment}}
    id_ = await export_mutation.create(api, key, arguments)
    await api.fetch(DELETE, id=segment)

    assert await export_mutation.create(api, key, arguments) == id_


async def test_a_repeat_does_not_show_the_secret_again(
    api: Api, ids: Ids, name: str, key: str
) -> None:
    arguments = MUTATIONS_BY_FIELD["distributionCreate"].make_arguments(name, ids)
    created, repeated = [await api.fetch(CREATE_WEBHOOK, key=key, **arguments) for _ in range(2)]

    assert created["secret"]
    assert repeated == {**created, "secret": None}


async def test_a_key_expires(api: Api, ids: Ids, name: str, key: str) -> None:
    """MongoDB deletes its row by a TTL index."""
    mutation = MUTATIONS_BY_FIELD["loyaltyProgramCreate"]
    arguments = mutation.make_arguments(name, ids)
    started_at = api.services.now().at
    id_ = await mutation.create(api, key, arguments)
    collection = api.database.idempotencyKeys
    row = collection.find_one({"_id.key": key})
    assert row is not None
    assert abs((row["createdAt"] - started_at).total_seconds()) < 60
    day_seconds = 24 * 60 * 60
    assert [
        index["key"]
        for index in collection.index_information().values()
        if index.get("expireAfterSeconds") == day_seconds
    ] == [[("createdAt", 1)]]

    collection.delete_one({"_id": row["_id"]})
    assert await mutation.create(api, key, arguments) != id_
