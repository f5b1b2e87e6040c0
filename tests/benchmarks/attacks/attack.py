"""What an attack is, and the process that carries it out."""

import asyncio
import itertools
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import NamedTuple

import uvloop

from tests.benchmarks.child_process import running_child

COUNTER = "0counter"
"""Stands for a number in a body, another one for each request."""

_MAX_PARSED_BYTES = 100_000
_CODE = re.compile(rb'"code": ?"([A-Z_]+)"')
_COST = re.compile(rb'"cost": ?(\d+)')


class Answer(NamedTuple):
    """How the server answered a request: what it said, the cost, and the size of the response."""

    text: str
    cost: int | None = None
    size_bytes: int = 0


@dataclass(frozen=True)
class Attack:
    """`send` opens a connection to the address, sends one request, and returns the answer."""

    name: str
    send: Callable[[str], Awaitable[Answer]]
    connections: int = 4


@dataclass(frozen=True)
class PostAttack:
    """A body that several connections send again and again."""

    name: str
    body: bytes
    connections: int = 4

    async def send(self, address: str) -> Answer:
        body = self.body.replace(COUNTER.encode(), b"%08d" % next(_counter))
        reader, writer = await asyncio.open_connection(*address.split(":"), limit=2**20)
        head = (
            f"POST /graphql HTTP/1.1\r\nhost: {address}\r\naccept: application/json\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        try:
            return await read_answer(reader)
        except (ConnectionError, asyncio.IncompleteReadError):
            return Answer("connection lost")
        finally:
            writer.transport.abort()


_counter = itertools.count()


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    status = head[9:12].decode()
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    # The cost is at one of the ends.
    ends = body if length < _MAX_PARSED_BYTES else body[:1_000] + body[-1_000:]
    codes = Counter(code.decode() for code in _CODE.findall(ends))
    cost = _COST.search(ends)
    text = ", ".join(codes) if codes else "OK" if status == "200" else f"HTTP {status}"
    return Answer(text, int(cost[1]) if cost else None, length)


class Attacker:
    """A process of its own that sends an attack."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send_one(self, attack: Attack | PostAttack, address: str, max_seconds: float) -> Answer:
        self._connection.send((attack, address, max_seconds, True))
        (answer,) = self._receive()
        return answer

    def send_for(
        self, attack: Attack | PostAttack, address: str, seconds: float
    ) -> Counter[Answer]:
        """Sends the attack over its connections, and closes them after that time."""
        self._connection.send((attack, address, seconds, False))
        return self._receive()

    def _receive(self) -> Counter[Answer]:
        answers: Counter[Answer] = self._connection.recv()
        return answers


@contextmanager
def running_attacker() -> Iterator[Attacker]:
    with running_child(_attack_until_closed) as connection:
        yield Attacker(connection)


def _attack_until_closed(connection: Connection) -> None:
    while True:
        attack, address, seconds, is_single = connection.recv()
        send = _send_one if is_single else _send_repeatedly
        connection.send(uvloop.run(send(attack, address, seconds)))


async def _send_one(attack: Attack | PostAttack, address: str, seconds: float) -> Counter[Answer]:
    try:
        async with asyncio.timeout(seconds):
            return Counter([await attack.send(address)])
    except TimeoutError:
        return Counter([Answer(f"none within {seconds:g} s")])


async def _send_repeatedly(
    attack: Attack | PostAttack, address: str, seconds: float
) -> Counter[Answer]:
    answers: Counter[Answer] = Counter()

    async def send_until_cancelled() -> None:
        while True:
            answers[await attack.send(address)] += 1

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
            for _ in range(attack.connections):
                tasks.create_task(send_until_cancelled())
    return answers
