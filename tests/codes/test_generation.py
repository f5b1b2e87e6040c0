"""Generated codes: their pattern, their randomness, and the job that makes many of them."""

import asyncio
import os
import sys
from collections import Counter
from random import Random

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from app.domain.codes import CODE_CHARACTERS, MAX_GENERATED_CODES, CodePattern
from app.services import Services
from tests.api import Api
from tests.burst_worker import run_burst_worker
from tests.codes.conftest import ADD_CODES, CREATE_POOL, CodePoolClient
from tests.engine.conftest import wait_until
from tests.environment import store_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

MANY = 20_000


@given(st.text("#a%{}\\ä -", max_size=20), st.integers(0, 30))
async def test_a_code_has_the_form_of_its_pattern(text: str, count: int) -> None:
    codes = list(CodePattern(text).generate(count))
    assert len(codes) == count
    for code in codes:
        assert len(code) == len(text)
        for character, wanted in zip(code, text, strict=True):
            assert character in CODE_CHARACTERS if wanted == "#" else character == wanted


async def test_all_characters_are_equally_likely_and_none_looks_like_another() -> None:
    assert not set(CODE_CHARACTERS) & set("01OILoil")
    number = 310_000
    counts = Counter("".join(CodePattern("#" * 10).generate(number // 10)))
    expected = number / len(CODE_CHARACTERS)
    chi_squared = sum((counts[c] - expected) ** 2 / expected for c in CODE_CHARACTERS)
    # 30 degrees of freedom: exceeded once in a hundred million runs.
    assert chi_squared < 93
    assert counts.total() == number


async def test_a_small_pool_is_there_at_once(pools: CodePoolClient) -> None:
    made = await pools.create_pool(generate={"count": 1_000, "pattern": "X-##%#"})
    assert (made["totalCount"], made["availableCount"], made["generatingCount"]) == (
        1_000,
        1_000,
        0,
    )
    codes = await pools.claim(made["id"], 1_001)
    assert len(set(codes)) == len(codes) == 1_000
    assert {(code[:2], code[4], len(code)) for code in codes} == {("X-", "%", 6)}
    for generate in ({"count": 1}, {"count": 1, "pattern": None}):
        (code,) = await pools.claim(await pools.create(generate=generate), 2)
        assert (len(code), code[4]) == (9, "-")


async def test_half_of_the_codes_of_a_pattern_can_be_generated(
    api: Api, pools: CodePoolClient
) -> None:
    possible = len(CODE_CHARACTERS) ** 2
    pool = await pools.create(generate={"count": possible // 2, "pattern": "##"})
    assert len(set(await pools.claim(pool, possible))) == possible // 2
    for pattern, limit in (("##", possible // 2), ("#", 15), ("none", 0)):
        answer = await api.fetch(
            CREATE_POOL,
            input={"name": "short", "generate": {"count": limit + 1, "pattern": pattern}},
        )
        (error,) = answer["userErrors"]
        assert (error["code"], error["path"]) == ("INVALID", ["input", "generate", "pattern"])
        assert f"at most {limit:,} can be generated" in error["message"]


async def test_a_job_generates_many_codes(api: Api, pools: CodePoolClient) -> None:
    id_ = await pools.create(generate={"count": MANY})
    assert await pools.fetch_counts(id_) == (0, 0, MANY)
    assert await api.list_errors(ADD_CODES, id=id_, codes=["own"]) == ["INVALID id"]
    await run_burst_worker(api.settings)
    assert await pools.fetch_counts(id_) == (MANY, MANY, 0)
    await pools.add(id_, ["own"])
    codes = await pools.claim(id_, MANY + 5)
    assert len(set(codes)) == MANY + 1
    assert codes[-1] == "own"


async def test_no_generated_code_is_in_the_pool_already(api: Api, pools: CodePoolClient) -> None:
    """A third of the possible codes are there; the job generates another third."""
    pattern = "###"
    possible = len(CODE_CHARACTERS) ** 3
    existing = CodePattern(pattern).generate_distinct(possible // 3)
    id_ = await pools.create(codes=existing)
    api.database.codePools.update_one(
        {"_id": ObjectId(id_[4:])}, {"$set": {"pattern": pattern, "generatingCount": len(existing)}}
    )
    await api.services.code_pools.generate(id_)
    codes = await pools.claim(id_, possible)
    assert len(set(codes)) == len(codes) == 2 * len(existing)


async def test_two_workers_do_not_generate_the_same_codes(api: Api, pools: CodePoolClient) -> None:
    id_ = await pools.create(generate={"count": 12_000})
    other = Services(api.services.store, api.settings)
    await asyncio.gather(*(s.code_pools.generate(id_) for s in (api.services, other, other)))
    assert await pools.fetch_counts(id_) == (12_000, 12_000, 0)


async def test_a_pool_that_is_deleted_gets_no_more_codes(api: Api, pools: CodePoolClient) -> None:
    id_ = await pools.create(generate={"count": 100_000})
    job = asyncio.create_task(api.services.code_pools.generate(id_))

    async def has_begun() -> bool:
        return int((await pools.fetch(id_))["totalCount"]) > 0

    await wait_until(has_begun)
    await pools.delete(id_)
    await job
    rows = {"_id.pool": ObjectId(id_[4:])}
    assert 0 < api.database.codes.count_documents(rows) < 100_000
    await api.services.code_pools.enqueue_unattended()
    assert await api.services.store.code_pools.unattended_generations() == []


async def test_a_job_that_is_killed_is_taken_up(api: Api, pools: CodePoolClient) -> None:
    """While it is killed several times, others claim codes: none is lost and none repeats."""
    count = 60_000
    id_ = await pools.create(generate={"count": count})

    random, claimed = Random(16), list[str]()

    async def is_unattended() -> bool:
        return await api.services.store.code_pools.unattended_generations() == [id_]

    for _ in range(4):
        generated_before = (await pools.fetch(id_))["totalCount"]
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.codes.generate", id_),
            env={**os.environ, **store_environment(api.settings)},
        )
        wanted = generated_before + random.randint(1, 8_000)

        async def is_far_enough(wanted: int = wanted) -> bool:
            return int((await pools.fetch(id_))["totalCount"]) >= wanted

        try:
            await wait_until(is_far_enough, 60)
            claimed += await pools.claim(id_, random.randint(1, 3_000))
        finally:
            worker.kill()
            await worker.wait()
        assert (await pools.fetch(id_))["generatingCount"] > 0
        await wait_until(is_unattended)
    await run_burst_worker(api.settings)
    claimed += await pools.claim(id_, count)
    assert len(set(claimed)) == len(claimed) == count
    assert await pools.fetch_counts(id_) == (count, 0, 0)
    numbers = [row["_id"]["n"] for row in api.database.codes.find({"_id.pool": ObjectId(id_[4:])})]
    assert sorted(numbers) == list(range(count))


async def test_more_than_a_million_are_refused(api: Api) -> None:
    for count, expected in (
        (0, "INVALID input generate count"),
        (-1, "INVALID input generate count"),
        (MAX_GENERATED_CODES + 1, "TOO_MANY input generate count"),
    ):
        sent = {"name": "count", "generate": {"count": count}}
        assert await api.list_errors(CREATE_POOL, input=sent) == [expected]
