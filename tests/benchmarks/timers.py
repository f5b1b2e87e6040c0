"""Exits by time alone: the delay from their instant until a polling client sees them in the log.

    python -m tests.benchmarks.timers [--customers N] [--seconds N]

The goal is p50 at most 150 ms, p99 at most 500 ms, for 400 customers over 20 seconds.
"""

import argparse
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.benchmarks.busy_customers import BenchmarkShop
from tests.benchmarks.program import running_program

CUSTOMERS = 400
SECONDS = 20
_WINDOW = "PT1H"
_FIRST_EXIT_DELAY_SECONDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_program(Path(folder)) as stores,
        stores.server("-m", "app", "api") as (address, _),
    ):
        shop = BenchmarkShop(address, stores.mongodb_url)
        with stores.process("-m", "app", "worker"):
            shop.define_metadata_key("seenAt", "DATETIME")
            condition = {"path": "metadata.seenAt", "operator": "WITHIN_LAST", "value": _WINDOW}
            shop.create_active_segment("Seen", {"attribute": condition})
            shop.wait_until_processed()
            delays = _measure_delays(shop, arguments.customers, arguments.seconds)
    delays.sort()
    print(
        f"{len(delays)} exits over {arguments.seconds} s:"
        f" p50 {statistics.median(delays) * 1e3:.0f} ms,"
        f" p99 {delays[int(len(delays) * 0.99)] * 1e3:.0f} ms, most {delays[-1] * 1e3:.0f} ms"
    )


def _measure_delays(shop: BenchmarkShop, customers: int, seconds: int) -> list[float]:
    first = datetime.now(UTC) + timedelta(seconds=_FIRST_EXIT_DELAY_SECONDS) - timedelta(hours=1)
    rows = [
        {
            "sourceId": f"seen-{number}",
            "metadata": {
                "seenAt": (first + timedelta(seconds=seconds * number / customers)).isoformat()
            },
        }
        for number in range(customers)
    ]
    shop.upsert_customers(rows)
    delays: list[float] = []
    last_transition = shop.database.transitions.find_one(sort=[("_id", -1)])
    after_id = last_transition["_id"] if last_transition else None
    while len(delays) < customers:
        query = {"_id": {"$gt": after_id}} if after_id else {}
        for row in shop.database.transitions.find(query).sort("_id", 1):
            after_id = row["_id"]
            if row["cause"] == "TIME":
                delays.append((datetime.now(UTC) - row["at"]).total_seconds())
        time.sleep(0.002)
    return delays


if __name__ == "__main__":
    main()
