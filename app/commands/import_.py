"""segments import"""

import asyncio
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.services import Services
from app.services.imports import Import, Rehearsal, Rejects, Tally
from app.settings import Settings
from app.store import Store

_STDIN = "-"


class _Stopped(Exception):
    """Told by a signal to leave the rest."""

    def __init__(self, number: int, tally: Tally) -> None:
        self.number = number
        self.tally = tally


def run(settings: Settings, noun: str, file: str, *, dry_run: bool) -> int:
    """The exit status: whether all rows were taken."""
    with _opened(file) as stream, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(_run(settings, noun, file, stream, dry_run))
        except _Stopped as stopped:
            _leave(stopped)


def _leave(stopped: _Stopped) -> NoReturn:
    done = f"{stopped.tally.accepted:,} rows are in and stay"
    typer.echo(f"segments: interrupted: {done}; run it again for the rest", err=True)
    # Not by the usual way out: that would wait for the thread that waits for a terminal's input.
    os._exit(128 + stopped.number)


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    if file == _STDIN:
        yield sys.stdin.buffer
        return
    with Path(file).open("rb") as stream:
        yield stream


async def _run(settings: Settings, noun: str, file: str, stream: IO[bytes], dry_run: bool) -> int:
    rejects = Rejects(_beside(file))
    store = await (Rehearsal if dry_run else Store).open(settings)
    job = Import(Services(store, settings), noun, rejects)
    began = time.monotonic()
    try:
        with _progress(noun, stream, job.tally) as progress:
            await _unless_stopped(job.run(file, stream, progress), job.tally)
    finally:
        rejects.close()
        await store.close()
    typer.echo(_summary(noun, job.tally, time.monotonic() - began, dry_run))
    if job.tally.refused:
        typer.echo(f"segments: the refused rows are in {rejects.path}", err=True)
    return 1 if job.tally.refused else 0


def _beside(file: str) -> Path:
    """Where refused rows go: beside the file or, of a stream, into the current folder."""
    return Path(f"{file if Path(file).is_file() else 'stdin'}.rejected.ndjson")


async def _unless_stopped(work: Coroutine[object, object, None], tally: Tally) -> None:
    task = asyncio.create_task(work)
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        await task
    except asyncio.CancelledError:
        if not received:
            raise
        raise _Stopped(received[0], tally) from None


@contextmanager
def _progress(noun: str, stream: IO[bytes], tally: Tally) -> Iterator[Callable[[], None]]:
    """A bar where somebody looks on; of a stream nobody knows the length."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    about = os.fstat(stream.fileno())
    size = about.st_size if stat.S_ISREG(about.st_mode) else None
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(noun, total=size)

        def advance() -> None:
            done = stream.tell() if size else None
            bar.update(task, completed=done, description=f"{tally.read:,} {noun}")

        yield advance


def _summary(noun: str, tally: Tally, seconds: float, dry_run: bool) -> str:
    rate = tally.read / seconds if seconds else 0
    return (
        f"{noun}: {tally.read:,} rows read, {tally.accepted:,} accepted,"
        f" {tally.refused:,} refused in {seconds:.1f} s, {rate:,.0f} rows/s"
        + (" (dry run: nothing was written)" if dry_run else "")
    )
