"""An object and the idempotency key of its request are written together, or neither is."""

from uuid import uuid4

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from tests.api import Api, Json
from tests.creating_mutations import (
    CreatingMutation,
    Ids,
    create_used_objects,
    each_mutation,
)
from tests.failpoints import failing_commands

pytestmark = pytest.mark.asyncio(loop_scope="module")

# MongoDB does not commit. The transaction stays open, as that of a killed process does.
NOT_COMMITTED: Json = {"errorCode": 8}
# MongoDB commits, but the program does not learn it.
COMMITTED_WITH_ERROR: Json = {
    "writeConcernError": {
        "code": 100,
        "codeName": "UnsatisfiableWriteConcern",
        "errmsg": "not enough data-bearing nodes",
    }
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ids(api: Api) -> Ids:
    return await create_used_objects(api)


@each_mutation
@pytest.mark.parametrize(
    ("failure", "is_committed"),
    [(NOT_COMMITTED, False), (COMMITTED_WITH_ERROR, True)],
    ids=["not committed", "committed"],
)
async def test_after_a_failed_commit_a_repeat_creates_what_is_missing(
    api: Api, ids: Ids, mutation: CreatingMutation, failure: Json, is_committed: bool
) -> None:
    key, before = uuid4().hex, mutation.count(api)
    arguments = mutation.make_arguments(key, ids)
    # To format the logged traceback would take a second.
    with capture_logs(), failing_commands(api.database, "commitTransaction", **failure):
        answer = await api.execute(mutation.query, idempotencyKey=key, **arguments)
    assert answer["errors"]
    assert count_keys(api, key) == mutation.count(api) - before == int(is_committed)

    id_ = await mutation.create(api, key, arguments)

    assert count_keys(api, key) == mutation.count(api) - before == 1
    assert await mutation.create(api, key, arguments) == id_


def count_keys(api: Api, key: str) -> int:
    return api.database.idempotencyKeys.count_documents({"_id.key": key})
