"""Looks up the addresses of hosts by their names."""

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# A name server that does not answer occupies a thread; others must not wait for it.
_MAX_THREADS = 64


class NameResolver:
    """Runs each look-up on a daemon thread.

    Nothing can end a look-up whose name server does not answer. The threads of an executor would
    keep the process alive until it ends by itself, half a minute after SIGTERM.
    """

    def __init__(self) -> None:
        self._free_threads = asyncio.Semaphore(_MAX_THREADS)

    async def resolve(self, host: str, port: int) -> list[IPAddress]:
        """Returns the addresses, the preferred ones first. Raises OSError if there are none."""
        await self._free_threads.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[IPAddress]] = loop.create_future()

        def deliver(setter: Callable[[Any], None], result: object) -> None:
            self._free_threads.release()
            if not answer.done():
                setter(result)

        def look_up() -> None:
            setter: Callable[[Any], None] = answer.set_result
            result: object
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                result = [ipaddress.ip_address(entry[4][0]) for entry in found]
            except Exception as error:  # noqa: BLE001 - raised where the answer is awaited
                setter, result = answer.set_exception, error
            with suppress(RuntimeError):  # The loop is closed.
                loop.call_soon_threadsafe(deliver, setter, result)

        threading.Thread(target=look_up, name=f"look-up of {host}", daemon=True).start()
        return await answer
