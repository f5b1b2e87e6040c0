"""The load of the benchmark: a writer and subscribers, each in a process of its own.

All processes of a machine share the monotonic clock, so that their times can be compared.
"""

import asyncio
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

from tests.benchmarks.child_process import running_child
from tests.benchmarks.program import DATABASE
from tests.benchmarks.subscriptions.api_process import CUSTOMERS

_SUBSCRIPTION_START_SECONDS = 3
_SUBSCRIBE = """
subscription($segmentIds: [ID!]) {
  segmentTransitions(segmentIds: $segmentIds) {
    sequence cursor type cause at segmentId customerSourceId
  }
}
"""

ChangeKey = tuple[str, int]
"""The sourceId of a customer, and the index of the change among the changes of this customer."""


class Write(NamedTuple):
    """When the client sent a change to MongoDB, and when MongoDB acknowledged it, in seconds of the
    monotonic clock. The commit lies between the two."""

    sent_at: float
    acknowledged_at: float


Writes = dict[ChangeKey, Write]


def write_changes(
    url: str, keys: Sequence[str], rate: int, seconds: float, previous_writes: int = 0
) -> Writes:
    """Changes customers at a rate per second; each change makes one enter or leave a segment.

    The customers take turns. `keys` are the metadata keys that the segments ask for, and
    `previous_writes` is the number of changes of earlier calls. Returns when each was written.
    """
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


_sent_at: Callable[[Write], float] = attrgetter("sent_at")
acknowledged_at: Callable[[Write], float] = attrgetter("acknowledged_at")


class ReceivedTransitions:
    """When each subscriber received a transition, by the change that caused it."""

    def __init__(self) -> None:
        self.received_at: defaultdict[ChangeKey, list[float]] = defaultdict(list)

    def delays_milliseconds(
        self, writes: Writes, measured_from: Callable[[Write], float] = _sent_at
    ) -> list[float]:
        """Returns the milliseconds from a change to each subscriber that received it, sorted."""
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
    """Opens a WebSocket for each group of segments; yields a function that returns what they
    received."""
    with _run_in_process(_run_subscribers, address, path, segments) as read_received:
        yield read_received


@contextmanager
def open_stalled_subscribers(address: str, segments: Sequence[Sequence[str]]) -> Iterator[None]:
    """Opens WebSockets that subscribe, and then read nothing."""
    with _run_in_process(_run_stalled_subscribers, address, segments):
        yield


@contextmanager
def open_change_stream(url: str) -> Iterator[Callable[[], ReceivedTransitions]]:
    """Opens the baseline: a change stream over the customers, without the program."""
    with _run_in_process(_run_change_stream, url) as read_received:
        yield read_received


@contextmanager
def _run_in_process(
    target: Callable[..., None], *arguments: Any
) -> Iterator[Callable[[], ReceivedTransitions]]:
    """Runs `target` in a process; yields a function that returns what the process has received."""
    with running_child(target, *arguments) as connection:
        assert connection.recv() == "ready"

        def read_received() -> ReceivedTransitions:
            connection.send("enough")
            received: ReceivedTransitions = connection.recv()
            return received

        yield read_received


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
    # The protocol has no message that says that a subscription has begun.
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
    """Whether the change is one of `write_changes`: earned points change customers, too."""
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
