"""Code pools by the API: what is added is claimed once, in its order."""

import asyncio
from random import Random

import pytest

from app.domain.codes import MAX_CODES_PER_CALL, MAX_POOLS
from app.domain.uses import Use, UseKind
from app.errors import InputError
from app.services.dependencies import Dependencies
from app.services.uses import require_pool_unused
from tests.api import Api
from tests.codes.conftest import ADD_CODES, CREATE_POOL, DELETE_POOL, CodePoolClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

NODE = "query($id: ID!) { node(id: $id) { __typename id ... on CodePool { totalCount } } }"
UNKNOWN_POOL = "cop_" + "0" * 24


async def test_codes_are_claimed_in_the_order_in_which_they_were_added(
    api: Api, pools: CodePoolClient
) -> None:
    made = await pools.create_pool("  Spring ", codes=["b", "a", "ä b"])
    id_ = made["id"]
    assert made == await pools.fetch(id_)
    assert (made["name"], made["usedBy"]) == ("Spring", [])
    assert await api.fetch(NODE, id=id_) == {"__typename": "CodePool", "id": id_, "totalCount": 3}
    assert await pools.fetch_counts(id_) == (3, 3, 0)

    assert await pools.claim(id_, 2) == ["b", "a"]
    assert await pools.fetch_counts(id_) == (3, 1, 0)
    assert (await pools.add(id_, ["c", "A"]))["availableCount"] == 3
    assert await pools.claim(id_, 9) == ["ä b", "c", "A"]
    assert await pools.claim(id_, 1) == []
    assert await pools.fetch_counts(id_) == (5, 0, 0)
    assert (await pools.add(id_, []))["totalCount"] == 5
    assert await pools.claim(UNKNOWN_POOL, 1) == []


async def test_a_claim_is_undone_with_its_transaction(api: Api, pools: CodePoolClient) -> None:
    id_ = await pools.create(codes=["a", "b"])

    async def work(transaction: object) -> None:
        assert await api.services.store.code_pools.claim(id_, 2, transaction) == ["a", "b"]  # type: ignore[arg-type]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await api.services.store.transaction(work)
    assert await pools.claim(id_, 2) == ["a", "b"]


async def test_a_code_is_unique_in_its_pool(api: Api, pools: CodePoolClient) -> None:
    id_ = await pools.create(codes=["claimed", "waiting"])
    await pools.create(codes=["claimed", "waiting"])
    await pools.claim(id_, 1)
    before = api.dump()
    for codes, expected in (
        (["new", "claimed", "other", "waiting"], ["INVALID codes 1", "INVALID codes 3"]),
        (["new", "new", "x", "new"], ["INVALID codes 1", "INVALID codes 3"]),
        (["new", "", " x", "a\nb", "\0", "x" * 101], [f"INVALID codes {n}" for n in range(1, 6)]),
        (["new"] * 100, [f"INVALID codes {n}" for n in range(1, 11)]),
        (["x"] * (MAX_CODES_PER_CALL + 1), ["TOO_MANY codes"]),
    ):
        assert await api.list_errors(ADD_CODES, id=id_, codes=codes) == expected
    assert api.dump() == before


async def test_as_many_codes_as_allowed_are_added_at_once(pools: CodePoolClient) -> None:
    codes = [f"{n}" + "x" * (100 - len(f"{n}")) for n in range(MAX_CODES_PER_CALL)]
    id_ = await pools.create(codes=codes)
    assert (await pools.add(id_, [code[:99] for code in codes]))["totalCount"] == 20_000
    assert await pools.claim(id_, 10_001) == [*codes, codes[0][:99]]


async def test_of_two_calls_that_add_a_code_at_once_one_is_refused(
    api: Api, pools: CodePoolClient
) -> None:
    id_ = await pools.create()
    answers = await asyncio.gather(
        *(api.list_errors(ADD_CODES, id=id_, codes=[f"own {n}", "shared"]) for n in range(8))
    )
    assert sorted(answers) == [[], *[["INVALID codes 1"]] * 7]
    (own, shared) = await pools.claim(id_, 9)
    assert own.startswith("own")
    assert shared == "shared"


async def test_adding_and_claiming_at_once_loses_no_code(pools: CodePoolClient) -> None:
    id_ = await pools.create()
    random = Random(7)
    claimed: list[str] = []

    async def claim() -> None:
        for _ in range(10):
            claimed.extend(await pools.claim(id_, random.randint(1, 20)))

    await asyncio.gather(
        *(pools.add(id_, [f"{n} {i}" for i in range(50)]) for n in range(8)),
        *(claim() for _ in range(4)),
    )
    claimed += await pools.claim(id_, 1_000)
    assert sorted(claimed) == sorted(f"{n} {i}" for n in range(8) for i in range(50))
    assert await pools.fetch_counts(id_) == (400, 0, 0)


async def test_a_deleted_pool_is_gone_at_once(api: Api, pools: CodePoolClient) -> None:
    id_ = await pools.create(codes=["a"])
    other = await pools.create(codes=["a"])
    assert (await pools.delete(id_))["totalCount"] == 1
    assert await api.fetch(NODE, id=id_) is None
    assert await pools.claim(id_, 1) == []
    assert await api.list_errors(ADD_CODES, id=id_, codes=["b"]) == ["NOT_FOUND id"]
    assert await api.list_errors(DELETE_POOL, id=id_) == ["NOT_FOUND id"]
    assert await pools.claim(other, 1) == ["a"]


async def test_a_pool_that_is_used_stays() -> None:
    use = Use(UseKind.DISTRIBUTION, "dis_1", "Welcome", pool_id="cop_1")
    dependencies = Dependencies().with_changes({"dis_1": (use,)})
    require_pool_unused(dependencies.uses_of_pool("cop_2"))
    with pytest.raises(InputError, match="the distribution 'Welcome'") as caught:
        require_pool_unused(dependencies.uses_of_pool("cop_1"))
    assert [(problem.code.value, problem.path) for problem in caught.value.problems] == [
        ("INVALID", ("id",))
    ]
    assert dependencies.with_changes({"dis_1": ()}).uses_of_pool("cop_1") == []


async def test_there_is_a_limit_of_pools(api: Api) -> None:
    rows = [{"name": "many", "totalCount": 0, "createdAt": api.services.now().at}] * MAX_POOLS
    added = api.database.codePools.insert_many([dict(row) for row in rows]).inserted_ids
    assert await api.list_errors(CREATE_POOL, input={"name": "one more"}) == ["TOO_MANY input"]
    api.database.codePools.delete_many({"_id": {"$in": added}})


async def test_the_limit_holds_when_two_calls_come_at_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = api.database.codePools.count_documents({})
    monkeypatch.setattr("app.services.code_pools.MAX_POOLS", count + 1)
    answers = await asyncio.gather(
        *(api.list_errors(CREATE_POOL, input={"name": "last"}) for _ in range(8))
    )
    assert sorted(answers) == [[], *[["TOO_MANY input"]] * 7]
