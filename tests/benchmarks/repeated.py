"""Work that a thread repeats while a benchmark measures something else."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeated(action: Callable[[], None], interval_seconds: float) -> Iterator[None]:
    """Calls the function in a thread, with a pause before each call, while the context is open."""
    stopped = threading.Event()

    def run() -> None:
        while not stopped.wait(interval_seconds):
            action()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
