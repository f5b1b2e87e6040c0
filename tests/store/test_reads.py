"""The store repeats reads that failed for a lost primary or connection."""

import asyncio
from threading import Event
from typing import Any

import pytest
import pytest_asyncio
from motor.frameworks import asyncio as motor_framework

from app.store import ThreadPool, use_thread_pool
from tests.api import Api, Json
from tests.failpoints import failing_commands
from tests.patience import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

motor_asyncio: Any = motor_framework
VIP = {"attribute": {"path": "metadata.vip", "operator": "IS", "value": True}}
NOT_PRIMARY: Json = {"errorCode": 10107}
CONNECTION_CLOSED: Json = {"closeConnection": True}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vip_segment_id(api: Api) -> str:
    """The id of a segment with one member."""
    await api.upsert("ann", metadata={"vip": True})
    return await create_segment(api, "VIPs")


async def create_segment(api: Api, name: str) -> str:
    payload = await api.fetch(
        "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input)"
        " { segment { id } userErrors { message } } }",
        input={"name": name, "definition": {"filter": VIP}},
    )
    return str(payload["segment"]["id"])


CUSTOMER = '{ customer(ref: {sourceId: "ann"}) { sourceId } }'
MEMBERSHIP = (
    'query($id: ID!) { segmentMembership(customer: {sourceId: "ann"}, segmentIds: [$id])'
    " { isMember } }"
)
COUNT = "query($id: ID!) { segment(id: $id) { memberCount } }"
COUNTS = "{ segments(first: 100) { nodes { memberCount } } }"
MEMBERS = "query($id: ID!) { segment(id: $id) { members { nodes { sourceId } } } }"


@pytest.mark.parametrize("failure", [NOT_PRIMARY, CONNECTION_CLOSED], ids=str)
@pytest.mark.parametrize(
    ("question", "command", "times", "answer"),
    [
        (CUSTOMER, "find", 1, {"customer": {"sourceId": "ann"}}),
        (MEMBERSHIP, "aggregate", 1, {"segmentMembership": [{"isMember": True}]}),
        (MEMBERSHIP, "aggregate", 3, {"segmentMembership": [{"isMember": True}]}),
        (COUNT, "count", 1, {"segment": {"memberCount": 1}}),
        (COUNT, "count", 3, {"segment": {"memberCount": 1}}),
        (MEMBERS, "find", 1, {"segment": {"members": {"nodes": [{"sourceId": "ann"}]}}}),
    ],
    ids=str,
)
async def test_the_caller_gets_the_answer(
    api: Api,
    vip_segment_id: str,
    question: str,
    command: str,
    times: int,
    answer: Json,
    failure: Json,
) -> None:
    variables = {"id": vip_segment_id} if "$id" in question else {}
    assert (await api.execute(question, **variables))["data"] == answer
    with failing_commands(api.database, command, mode={"times": times}, **failure):
        assert (await api.execute(question, **variables))["data"] == answer


async def test_an_unreachable_database_is_a_timeout(api: Api) -> None:
    with failing_commands(api.database, "find", mode="alwaysOn", **CONNECTION_CLOSED):
        assert await api.list_errors(CUSTOMER) == ["TIMEOUT"]


async def test_read_commands_use_majority_read_concern(api: Api, vip_segment_id: str) -> None:
    """A command does not inherit the read concern of the client."""
    profiled = api.database
    profiled.command("profile", 2)
    try:
        await api.fetch(MEMBERSHIP, id=vip_segment_id)
        await api.fetch(COUNT, id=vip_segment_id)
        await api.fetch(MEMBERS, id=vip_segment_id)
        await api.fetch(CUSTOMER)
    finally:
        profiled.command("profile", 0)
    seen = list(profiled["system.profile"].find({"appName": "customer-segments"}))
    commands = [entry["command"] for entry in seen if entry["op"] in ("query", "command")]
    levels = {next(iter(command)): command.get("readConcern") for command in commands}
    assert {"aggregate", "count", "find"} <= levels.keys()
    assert {str(level) for level in levels.values()} == {"{'level': 'majority'}"}


async def test_slow_counts_do_not_block_a_lookup(api: Api, vip_segment_id: str) -> None:
    """Each count occupies a thread while MongoDB works."""
    slow: Any = {"blockConnection": True, "blockTimeMS": 500}
    with failing_commands(api.database, "count", mode="alwaysOn", **slow):
        counts = [asyncio.create_task(api.fetch(COUNT, id=vip_segment_id)) for _ in range(40)]
        await until(lambda: queue_length() >= len(counts) - api.settings.population_queries)
        await api.fetch(MEMBERSHIP, id=vip_segment_id)
        assert sum(count.done() for count in counts) <= 6
    assert await asyncio.gather(*counts) == [{"memberCount": 1}] * 40


async def test_a_list_counts_the_members_of_two_segments_at_a_time(
    api: Api, vip_segment_id: str
) -> None:
    for number in range(6):
        await create_segment(api, f"VIPs {number}")
    loop, release = asyncio.get_running_loop(), Event()
    with use_thread_pool(ThreadPool.POPULATION_QUERIES):
        blocked = [
            motor_asyncio.run_on_executor(loop, release.wait)
            for _ in range(api.settings.population_queries)
        ]
    await until(lambda: queue_length() == 0)
    counts = asyncio.create_task(api.fetch(COUNTS))
    try:
        await until(lambda: queue_length() >= 2)
        assert queue_length() == 2
    finally:
        release.set()
        await asyncio.gather(*blocked)
    nodes = (await counts)["nodes"]
    assert nodes == [{"memberCount": 1}] * 7


def queue_length() -> int:
    """Returns how many queries on all customers wait for a thread."""
    executor = motor_asyncio._EXECUTOR
    return int(executor._executors[ThreadPool.POPULATION_QUERIES]._work_queue.qsize())
