"""Who changes customers at a steady rate, and who listens: each in a process of its own, with one
clock for all (that of the machine, which never goes back)."""

import asyncio
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
from pymongo import MongoClient
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.benchmarks.program import DATABASE
from tests.benchmarks.subscriptions.api_process import CUSTOMERS

_CONTEXT = multiprocessing.get_context("spawn")
_SUBSCRIPTION_START_SECONDS = 3
_SUBSCRIBE = """
subscription($segmentIds: [ID!]) {
  segmentTransitions(segmentIds: $segmentIds) {
    sequence cursor type cause at segmentId customerSourceId
  }
}
"""

ChangeKey = tuple[str, int]
"""A customer, and the how manieth of its changes."""


class Write(NamedTuple):
    """When a change was sent to MongoDB, a little before it was committed; and when MongoDB had
    acknowledged it, a little after that."""

    sent: float
    acknowledged: float


Writes = dict[ChangeKey, Write]


def write_changes(
    url: str, keys: Sequence[str], rate: int, seconds: float, previous_writes: int = 0
) -> Writes:
    """One customer after the other enters, or leaves, by one of the keys of its metadata; so many
    changes have been made before."""
    writes: Writes = {}
    with MongoClient[Any](url) as client:
        customers = client[DATABASE].customers
        started_at = time.monotonic()
        for number in range(int(rate * seconds)):
            time.sleep(max(0, started_at + number / rate - time.monotonic()))
            round_number, customer = divmod(previous_writes + number, CUSTOMERS)
            value = {f"metadata.{keys[customer % len(keys)]}": round_number % 2 == 0}
            sent_at = time.monotonic()
            customers.update_one(
                {"sourceId": str(customer)}, {"$set": value, "$inc": {"version": 1}}
            )
            writes[str(customer), round_number] = Write(sent_at, time.monotonic())
    return writes


_sent: Callable[[Write], float] = attrgetter("sent")
acknowledged: Callable[[Write], float] = attrgetter("acknowledged")


class ReceivedTransitions:
    """What listeners heard: by change, when each of them heard of it."""

    def __init__(self) -> None:
        self.received_at: defaultdict[ChangeKey, list[float]] = defaultdict(list)

    def delays_milliseconds(
        self, writes: Writes, measured_from: Callable[[Write], float] = _sent
    ) -> list[float]:
        """Milliseconds from a change to each listener who heard of it, sorted."""
        return sorted(
            1_000 * (at - measured_from(writes[key]))
            for key, times in self.received_at.items()
            if key in writes
            for at in times
        )


@contextmanager
def open_subscribers(
    address: str, segments: Sequence[Sequence[str]], path: str = "/graphql"
) -> Iterator[Callable[[], ReceivedTransitions]]:
    """Sockets, one for each group of segments; call what this yields for what they heard."""
    with _run_in_process(_run_subscribers, address, path, segments) as read_received:
        yield read_received


@contextmanager
def open_stalled_subscribers(address: str, segments: Sequence[Sequence[str]]) -> Iterator[None]:
    """Sockets that subscribe, and then take nothing of what is sent to them."""
    with _run_in_process(_run_stalled_subscribers, address, segments):
        yield


@contextmanager
def open_change_stream(url: str) -> Iterator[Callable[[], ReceivedTransitions]]:
    """The baseline: a bare change stream over the customers."""
    with _run_in_process(_run_change_stream, url) as read_received:
        yield read_received


@contextmanager
def _run_in_process(
    target: Callable[..., None], *arguments: Any
) -> Iterator[Callable[[], ReceivedTransitions]]:
    """A process that says when it is ready, and what it has heard when it is asked."""
    parent_end, child_end = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=target, args=(*arguments, child_end), daemon=True)
    process.start()
    assert parent_end.recv() == "ready"

    def read_received() -> ReceivedTransitions:
        parent_end.send("enough")
        received: ReceivedTransitions = parent_end.recv()
        return received

    try:
        yield read_received
    finally:
        process.terminate()
        process.join()


def _run_subscribers(
    address: str, path: str, segments: Sequence[Sequence[str]], connection: Connection
) -> None:
    asyncio.run(_subscribe_and_receive(address, path, segments, connection))


async def _subscribe_and_receive(
    address: str, path: str, segments: Sequence[Sequence[str]], connection: Connection
) -> None:
    received = ReceivedTransitions()
    sockets = [await _subscribe(address, path, ids) for ids in segments]
    tasks = [asyncio.create_task(_receive_transitions(socket, received)) for socket in sockets]
    # Nothing says that a subscription has begun.
    await asyncio.sleep(_SUBSCRIPTION_START_SECONDS)
    connection.send("ready")
    await asyncio.to_thread(connection.recv)
    connection.send(received)
    await asyncio.wait(tasks)


def _run_stalled_subscribers(
    address: str, segments: Sequence[Sequence[str]], connection: Connection
) -> None:
    asyncio.run(_subscribe_and_stall(address, segments, connection))


async def _subscribe_and_stall(
    address: str, segments: Sequence[Sequence[str]], connection: Connection
) -> None:
    for socket in [await _subscribe(address, "/graphql", ids) for ids in segments]:
        socket.transport.pause_reading()
    await asyncio.sleep(_SUBSCRIPTION_START_SECONDS)
    connection.send("ready")
    await asyncio.to_thread(connection.recv)


async def _subscribe(address: str, path: str, segments: Sequence[str]) -> ClientConnection:
    protocol = Subprotocol("graphql-transport-ws")
    socket = await connect(
        f"ws://{address}{path}", subprotocols=[protocol], proxy=None, max_queue=None
    )
    await socket.send('{"type": "connection_init"}')
    await socket.recv()
    payload = {"query": _SUBSCRIBE, "variables": {"segmentIds": list(segments)}}
    await socket.send(orjson.dumps({"id": "1", "type": "subscribe", "payload": payload}).decode())
    return socket


async def _receive_transitions(socket: ClientConnection, received: ReceivedTransitions) -> None:
    change_counts: defaultdict[str, int] = defaultdict(int)
    async for text in socket:
        received_at = time.monotonic()
        message = orjson.loads(text)
        if message["type"] == "ping":
            await socket.send('{"type": "pong"}')
            continue
        assert message["type"] == "next", message
        customer = message["payload"]["data"]["segmentTransitions"]["customerSourceId"]
        received.received_at[customer, change_counts[customer]].append(received_at)
        change_counts[customer] += 1


def _changes_metadata(event: Any) -> bool:
    """Points that are earned change customers, too."""
    return any(
        field.startswith("metadata") for field in event["updateDescription"]["updatedFields"]
    )


def _run_change_stream(url: str, connection: Connection) -> None:
    received, change_counts = ReceivedTransitions(), defaultdict[str, int](int)
    with MongoClient[Any](url) as client:
        customers = client[DATABASE].customers
        names = {row["_id"]: row["sourceId"] for row in customers.find({}, {"sourceId": 1})}
        with customers.watch(max_await_time_ms=100) as stream:
            connection.send("ready")
            while not connection.poll():
                event = stream.try_next()
                if event and _changes_metadata(event):
                    customer = names[event["documentKey"]["_id"]]
                    received.received_at[customer, change_counts[customer]].append(time.monotonic())
                    change_counts[customer] += 1
    connection.recv()
    connection.send(received)
