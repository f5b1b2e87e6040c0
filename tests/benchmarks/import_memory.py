"""The peak memory of `segments import` with 1,000,000 rows against 100,000 rows.

    python -m tests.benchmarks.import_memory

It imports events from a file, from a gzipped file, and with --dry-run, each time with a process of
its own. The events have no idempotency keys, so that the import makes keys for them.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from app.local.mongod import Mongod
from app.settings import Settings
from tests.local_processes import running_process

SHORT_FILE_ROWS = 100_000
LONG_FILE_ROWS = 1_000_000
MAX_PEAK_RATIO = 1.2
# The name of the file, and the options of the import.
KINDS = (("events.ndjson", "--dry-run"), ("events.ndjson.gz", "--dry-run"), ("events.ndjson",))


def write_events(path: Path, count: int) -> None:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt") as file:
        for number in range(count):
            event = {
                "customer": {"sourceId": f"{number % 50_000:06}"},
                "name": "visit",
                "at": "2026-01-01T00:00:00Z",
                "properties": {"page": f"/articles/{number}"},
            }
            file.write(json.dumps(event) + "\n")


def peak_mib(path: Path, url: str, *options: str) -> float:
    """Returns the peak resident memory of an import of the file, in MiB."""
    environment = {
        **os.environ,
        "MONGODB_URL": url,
        "SEGMENTS_DATABASE": f"import_{time.time_ns()}",
    }
    command = [sys.executable, "-m", "app", "import", "events", str(path), *options]
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss / 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_process(Mongod(folder, Settings(_env_file=None))) as mongod:  # type: ignore[call-arg]
            for file_name, *options in KINDS:
                peaks_mib = []
                for count in (SHORT_FILE_ROWS, LONG_FILE_ROWS):
                    path = folder / file_name
                    write_events(path, count)
                    peaks_mib.append(peak_mib(path, mongod.url, *options))
                    kind = " ".join((file_name, *options))
                    print(f"{kind}: {count:10,} events: at most {peaks_mib[-1]:,.0f} MiB")
                print(
                    f"ratio {peaks_mib[1] / peaks_mib[0]:.2f}; the goal is at most {MAX_PEAK_RATIO}"
                )


if __name__ == "__main__":
    main()
