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
from app.services.imports import Import, Rehearsal, Rejects
from app.settings import Settings
from app.store import Store

_STDIN = "-"


class _Stopped(Exception):
    """Told by a signal to leave the rest."""

    def __init__(self, number: int, job: Import) -> None:
        self.number = number
        self.job = job


def run(settings: Settings, noun: str, file: str, *, dry_run: bool) -> int:
    """The exit status: whether all rows were taken."""
    with _opened(file) as stream, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(_run(settings, noun, file, stream, dry_run))
        except _Stopped as stopped:
            _leave(stopped, dry_run)


def _leave(stopped: _Stopped, dry_run: bool) -> NoReturn:
    stays = "nothing was written" if dry_run else f"{stopped.job.accepted:,} rows are in and stay"
    typer.echo(f"segments: interrupted: {stays}; run it again for the rest", err=True)
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
        with _progress(noun, stream, job) as progress:
            await _unless_stopped(job.run(file, stream, progress), job)
    finally:
        rejects.close()
        await store.close()
    typer.echo(_summary(noun, job, time.monotonic() - began, dry_run))
    if job.refused:
        typer.echo(f"segments: the refused rows are in {rejects.path}", err=True)
    return 1 if job.refused else 0


def _beside(file: str) -> Path:
    """Where refused rows go: beside the file or, of a stream, into the current folder."""
    return Path(f"{file if Path(file).is_file() else 'stdin'}.rejected.ndjson")


async def _unless_stopped(work: Coroutine[object, object, None], job: Import) -> None:
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
        raise _Stopped(received[0], job) from None


@contextmanager
def _progress(noun: str, stream: IO[bytes], job: Import) -> Iterator[Callable[[], None]]:
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
            bar.update(task, completed=done, description=f"{job.accepted + job.refused:,} {noun}")

        yield advance


def _summary(noun: str, job: Import, seconds: float, dry_run: bool) -> str:
    read = job.accepted + job.refused
    return (
        f"{noun}: {read:,} rows read, {job.accepted:,} accepted,"
        f" {job.refused:,} refused in {seconds:.1f} s, {read / seconds:,.0f} rows/s"
        + (" (dry run: nothing was written)" if dry_run else "")
    )
