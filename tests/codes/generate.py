"""Generates the codes of a pool in a process that a test may kill.

    python -m tests.codes.generate POOL_ID

The environment has the addresses and the database. The lease is short, so that the test does not
wait for it.
"""

import asyncio
import sys

from app.services import Services
from app.settings import Settings
from app.store import Store, code_pools


async def main(pool_id: str) -> None:
    code_pools._LEASE_SECONDS = 1.0
    settings = Settings()
    store = await Store.open(settings)
    try:
        await Services(store, settings).code_pools.generate(pool_id)
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
