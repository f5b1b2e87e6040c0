"""`segments import`: imports customers, events or orders from CSV or NDJSON."""

import asyncio
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.commands.import_report import STDIN_NAME, format_report, import_command
from app.commands.interruption import Interruption, run_until_signal
from app.services import Services
from app.services.imports import DryRunStore, FileImport, ImportOptions, RejectFile
from app.settings import Settings
from app.store import Store

_STDIN_REJECTS_NAME = "stdin"


def run(
    settings: Settings,
    kind: str,
    file: str,
    options: ImportOptions,
    data_folder: Path | None,
    *,
    dry_run: bool,
) -> int:
    """Runs the import. Returns the exit status: 0 if all rows were accepted, else 1.

    `data_folder` is what `--data` names, if it is given: the commands in messages repeat it.
    """
    with _open_input(file) as stream, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(_run(settings, kind, file, stream, options, data_folder, dry_run))
        except Interruption as interruption:
            interruption.exit()


@contextmanager
def _open_input(file: str) -> Iterator[IO[bytes]]:
    if file == STDIN_NAME:
        yield sys.stdin.buffer
        return
    with Path(file).open("rb") as stream:
        yield stream


async def _run(
    settings: Settings,
    kind: str,
    file: str,
    stream: IO[bytes],
    options: ImportOptions,
    data_folder: Path | None,
    dry_run: bool,
) -> int:
    rejects = RejectFile(_rejects_base(file))
    store = await (DryRunStore if dry_run else Store).open(settings)
    import_job = FileImport(Services(store, settings), kind, rejects, options)
    report = import_job.report
    started_at = time.monotonic()
    try:
        with _progress_bar(kind, stream, import_job) as progress:
            await run_until_signal(
                import_job.run(file, stream, progress), lambda: _outcome(import_job, dry_run)
            )
    finally:
        rejects.close()
        await store.close()
    typer.echo(format_report(kind, report, time.monotonic() - started_at, dry_run=dry_run))
    if report.passed_over_count:
        other_kind = "events" if kind == "customers" else "customers"
        count = report.passed_over_count
        calls = "1 call was" if count == 1 else f"{count:,} calls were"
        command = import_command(other_kind, file, options, data_folder)
        typer.echo(f"{calls} passed over; to import {other_kind}, run: {command}")
    if not report.rejected_count:
        return 0
    command = import_command(kind, str(rejects.path), options, data_folder, report.detected_types)
    typer.echo(
        f"segments: the rejected rows are in {rejects.path}; mend them, and run: {command}",
        err=True,
    )
    return 1


def _rejects_base(file: str) -> Path:
    """Returns the path beside which rejected rows go: for a stream in the current folder."""
    return Path(file if Path(file).is_file() else _STDIN_REJECTS_NAME)


@contextmanager
def _progress_bar(
    kind: str, stream: IO[bytes], import_job: FileImport
) -> Iterator[Callable[[], None]]:
    """Shows a progress bar if standard error is a terminal; without a total for a stream."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    report = import_job.report
    file_status = os.fstat(stream.fileno())
    total_bytes = file_status.st_size if stat.S_ISREG(file_status.st_mode) else None
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(kind, total=total_bytes)

        def advance() -> None:
            completed_bytes = stream.tell() if total_bytes else None
            progress.update(
                task,
                completed=completed_bytes,
                description=f"{report.accepted_count + report.rejected_count:,} {kind}",
            )

        yield advance


def _outcome(import_job: FileImport, dry_run: bool) -> str:
    """Says what an interrupted import has done."""
    if dry_run:
        return "nothing was written"
    report = import_job.report
    rejected = f", {report.rejected_count:,} rejected" if report.rejected_count else ""
    return (
        f"{report.accepted_count:,} rows were imported and stay{rejected};"
        " run the command again to import the rest"
    )
