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
from tests.benchmarks.subscriptions.shop import CUSTOMERS

_CONTEXT = multiprocessing.get_context("spawn")
_TO_BEGIN_SECONDS = 3
_SUBSCRIBE = """
subscription($segmentIds: [ID!]) {
  segmentTransitions(segmentIds: $segmentIds) {
    sequence cursor type cause at segmentId customerSourceId
  }
}
"""

Key = tuple[str, int]
"""A customer, and the how manieth of its changes."""


class Write(NamedTuple):
    """When a change was sent to MongoDB, a little before it was committed; and when MongoDB had
    acknowledged it, a little after that."""

    sent: float
    acknowledged: float


Sent = dict[Key, Write]


def change(url: str, keys: Sequence[str], rate: int, seconds: float, made: int = 0) -> Sent:
    """One customer after the other enters, or leaves, by one of the keys of its metadata; so many
    changes have been made before."""
    sent: Sent = {}
    with MongoClient[Any](url) as client:
        customers = client[DATABASE].customers
        began = time.monotonic()
        for number in range(int(rate * seconds)):
            time.sleep(max(0, began + number / rate - time.monotonic()))
            round_, customer = divmod(made + number, CUSTOMERS)
            value = {f"metadata.{keys[customer % len(keys)]}": round_ % 2 == 0}
            at = time.monotonic()
            customers.update_one(
                {"sourceId": str(customer)}, {"$set": value, "$inc": {"version": 1}}
            )
            sent[str(customer), round_] = Write(at, time.monotonic())
    return sent


_sent: Callable[[Write], float] = attrgetter("sent")
acknowledged: Callable[[Write], float] = attrgetter("acknowledged")


class Heard:
    """What listeners heard: by change, when each of them heard of it."""

    def __init__(self) -> None:
        self.at: defaultdict[Key, list[float]] = defaultdict(list)

    def delays(self, sent: Sent, since: Callable[[Write], float] = _sent) -> list[float]:
        """Milliseconds from a change to each listener who heard of it, sorted."""
        return sorted(
            1_000 * (at - since(sent[key]))
            for key, times in self.at.items()
            if key in sent
            for at in times
        )


@contextmanager
def listening(
    address: str, segments: Sequence[Sequence[str]], path: str = "/graphql"
) -> Iterator[Callable[[], Heard]]:
    """Sockets, one for each group of segments; call what this yields for what they heard."""
    with _beside(_listen, address, path, segments) as heard:
        yield heard


@contextmanager
def stalled(address: str, segments: Sequence[Sequence[str]]) -> Iterator[None]:
    """Sockets that subscribe, and then take nothing of what is sent to them."""
    with _beside(_stall, address, segments):
        yield


@contextmanager
def watching(url: str) -> Iterator[Callable[[], Heard]]:
    """The baseline: a bare change stream over the customers."""
    with _beside(_watch, url) as heard:
        yield heard


@contextmanager
def _beside(hear: Callable[..., None], *arguments: Any) -> Iterator[Callable[[], Heard]]:
    """A process that says when it is ready, and what it has heard when it is asked."""
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=hear, args=(*arguments, theirs), daemon=True)
    process.start()
    assert ours.recv() == "ready"

    def heard() -> Heard:
        ours.send("enough")
        answer: Heard = ours.recv()
        return answer

    try:
        yield heard
    finally:
        process.terminate()
        process.join()


def _listen(address: str, path: str, segments: Sequence[Sequence[str]], out: Connection) -> None:
    asyncio.run(_listen_all(address, path, segments, out))


async def _listen_all(
    address: str, path: str, segments: Sequence[Sequence[str]], out: Connection
) -> None:
    heard = Heard()
    sockets = [await _subscribed(address, path, ids) for ids in segments]
    tasks = [asyncio.create_task(_hear(socket, heard)) for socket in sockets]
    # Nothing says that a subscription has begun.
    await asyncio.sleep(_TO_BEGIN_SECONDS)
    out.send("ready")
    await asyncio.to_thread(out.recv)
    out.send(heard)
    await asyncio.wait(tasks)


def _stall(address: str, segments: Sequence[Sequence[str]], out: Connection) -> None:
    asyncio.run(_stall_all(address, segments, out))


async def _stall_all(address: str, segments: Sequence[Sequence[str]], out: Connection) -> None:
    for socket in [await _subscribed(address, "/graphql", ids) for ids in segments]:
        socket.transport.pause_reading()
    await asyncio.sleep(_TO_BEGIN_SECONDS)
    out.send("ready")
    await asyncio.to_thread(out.recv)


async def _subscribed(address: str, path: str, segments: Sequence[str]) -> ClientConnection:
    protocol = Subprotocol("graphql-transport-ws")
    socket = await connect(
        f"ws://{address}{path}", subprotocols=[protocol], proxy=None, max_queue=None
    )
    await socket.send('{"type": "connection_init"}')
    await socket.recv()
    payload = {"query": _SUBSCRIBE, "variables": {"segmentIds": list(segments)}}
    await socket.send(orjson.dumps({"id": "1", "type": "subscribe", "payload": payload}).decode())
    return socket


async def _hear(socket: ClientConnection, heard: Heard) -> None:
    times: defaultdict[str, int] = defaultdict(int)
    async for text in socket:
        at = time.monotonic()
        message = orjson.loads(text)
        if message["type"] == "ping":
            await socket.send('{"type": "pong"}')
            continue
        assert message["type"] == "next", message
        customer = message["payload"]["data"]["segmentTransitions"]["customerSourceId"]
        heard.at[customer, times[customer]].append(at)
        times[customer] += 1


def _is_of_metadata(event: Any) -> bool:
    """Points that are earned change customers, too."""
    return any(
        field.startswith("metadata") for field in event["updateDescription"]["updatedFields"]
    )


def _watch(url: str, out: Connection) -> None:
    heard, times = Heard(), defaultdict[str, int](int)
    with MongoClient[Any](url) as client:
        customers = client[DATABASE].customers
        names = {row["_id"]: row["sourceId"] for row in customers.find({}, {"sourceId": 1})}
        with customers.watch(max_await_time_ms=100) as stream:
            out.send("ready")
            while not out.poll():
                event = stream.try_next()
                if event and _is_of_metadata(event):
                    customer = names[event["documentKey"]["_id"]]
                    heard.at[customer, times[customer]].append(time.monotonic())
                    times[customer] += 1
    out.recv()
    out.send(heard)
