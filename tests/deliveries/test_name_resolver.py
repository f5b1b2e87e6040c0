"""Look-ups of names: their answers, and that a name server without an answer holds nothing up."""

import asyncio
import ipaddress
import subprocess
import sys

import pytest

from app.services.deliveries.name_resolver import NameResolver

# A name server that does not answer can't be set for one process.
PROGRAM_WITH_HANGING_LOOK_UP = """
import asyncio, socket, time
from app.services.deliveries.name_resolver import NameResolver

socket.getaddrinfo = lambda *args, **options: time.sleep(600)

async def main():
    try:
        async with asyncio.timeout(0.1):
            await NameResolver().resolve("shop.example", 443)
    except TimeoutError:
        print("given up")

asyncio.run(main())
"""


def test_the_process_ends_although_a_look_up_hangs() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM_WITH_HANGING_LOOK_UP],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout == "given up\n"


@pytest.mark.asyncio
async def test_names_are_looked_up_side_by_side() -> None:
    resolver = NameResolver()
    found = await asyncio.gather(*(resolver.resolve("localhost", 80) for _ in range(200)))
    assert all(any(ipaddress.ip_address(address).is_loopback for address in f) for f in found)


@pytest.mark.asyncio
async def test_a_name_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(OSError, match=r"not known|failure|No address"):
        await NameResolver().resolve("localhost.invalid", 80)
