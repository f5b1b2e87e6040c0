"""`segments export`: writes the members of a segment to a file or to standard output."""

import asyncio
import csv
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pymongo
import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.commands.connections import open_store
from app.commands.errors import format_error
from app.commands.interruption import Interruption, run_until_signal
from app.commands.output_file import OutputFile
from app.domain.exports import ExportFormat
from app.domain.segments import Segment
from app.errors import QueryTimeout, SegmentsError, UserErrorCode, input_error
from app.filters import Now
from app.filters.parse import quote_for_message
from app.filters.suggestions import bigrams_by_word, suggest
from app.services import Services
from app.services.exports import FileExport
from app.settings import Settings

# A command reports an unreachable MongoDB sooner than a server.
_PING_TIMEOUT_SECONDS = 10.0
# A call of the driver can't be cancelled, and lasts as long as MongoDB takes.
_MAX_CLEANUP_SECONDS = 1.0
# 128 plus SIGPIPE, as of other programs whose reader has left.
_BROKEN_PIPE_STATUS = 141
_NDJSON_ENDINGS = (".ndjson", ".jsonl")


class _ExportIncomplete(SegmentsError):
    """The export failed after it had begun."""


def run(
    settings: Settings,
    segment_id: str,
    fields: str | None,
    format_name: str | None,
    output_name: str | None,
) -> int:
    """Runs the export. `fields` has commas between the paths. Returns the exit status."""
    format_ = _format(format_name, output_name)
    paths = None if fields is None else _split_fields(fields)
    with (
        OutputFile(output_name) as output,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        try:
            runner.run(_run(settings, segment_id, paths, format_, output))
        except BrokenPipeError:
            # Python would report at its exit that it can't write the rest.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return _BROKEN_PIPE_STATUS
        except Interruption as interruption:
            output.discard()
            interruption.exit()
    return 0


def _format(format_name: str | None, output_name: str | None) -> ExportFormat:
    if format_name is not None:
        return ExportFormat(format_name.upper())
    is_ndjson = output_name is not None and output_name.lower().endswith(_NDJSON_ENDINGS)
    return ExportFormat.NDJSON if is_ndjson else ExportFormat.CSV


def _split_fields(fields: str) -> list[str]:
    """Splits at commas. A path with a comma is in quotes, as in CSV."""
    return [path.strip() for row in csv.reader([fields]) for path in row]


async def _run(
    settings: Settings,
    segment_id: str,
    paths: Sequence[str] | None,
    format_: ExportFormat,
    output: OutputFile,
) -> None:
    async with open_store(settings) as store:
        with pymongo.timeout(_PING_TIMEOUT_SECONDS):
            await store.ping()
        services = Services(store, settings)
        segment = await _find_segment(services, segment_id)
        file_export = FileExport(services.store, services.definitions, services.query_planner)
        now = services.now()
        definition = await file_export.define(segment, paths, format_, now)
        for hint in await services.filter_hints.find_in_columns(paths or (), "fields"):
            typer.echo(f"segments: {hint.message}", err=True)
        started_at = time.monotonic()

        def outcome() -> str:
            rows = f"{file_export.row_count:,} rows were written"
            return rows if output.is_stdout else f"{rows}, and {output.name} is not complete"

        async def write_file() -> None:
            with _progress_bar(output, await _count(services, segment, now, output)) as show:

                def write(data: bytes) -> None:
                    output.write(data)
                    show(file_export.row_count)

                await file_export.run(definition, write)
                show(file_export.row_count)
            output.commit()

        try:
            await run_until_signal(write_file(), outcome, _MAX_CLEANUP_SECONDS)
        except (BrokenPipeError, Interruption):
            raise
        except Exception as error:
            raise _ExportIncomplete(f"{format_error(error)}; {outcome()}") from error
        if not output.is_stdout:
            seconds = time.monotonic() - started_at
            typer.echo(
                f"export: {file_export.row_count:,} rows written to {output.name}"
                f" in {seconds:.1f} s, {file_export.row_count / seconds:,.0f} rows/s"
            )


async def _find_segment(services: Services, segment_id: str) -> Segment:
    """Raises NOT_FOUND, with the segment whose id or name is the most similar."""
    segments = (await services.definitions.latest()).segments
    if segment := segments.get(segment_id):
        return segment
    message = f"There is no segment {quote_for_message(segment_id)}"
    if segments:
        ids_by_word = {word: id_ for id_, known in segments.items() for word in (id_, known.name)}
        closest = segments[ids_by_word[suggest(segment_id, bigrams_by_word(ids_by_word))]]
        message = f"{message}; perhaps {closest.id}, {quote_for_message(closest.name)}"
    raise input_error(UserErrorCode.NOT_FOUND, f"{message}.")


def _shows_progress(output: OutputFile) -> bool:
    """Whether a person sees standard error, and no rows in between."""
    return sys.stderr.isatty() and not (output.is_stdout and sys.stdout.isatty())


async def _count(services: Services, segment: Segment, now: Now, output: OutputFile) -> int | None:
    """Returns the number of rows for the progress bar; None if there is no bar, or if counting
    takes too long."""
    if not _shows_progress(output):
        return None
    try:
        return await services.segment_members.count(segment, now)
    except QueryTimeout:
        return None


@contextmanager
def _progress_bar(output: OutputFile, total: int | None) -> Iterator[Callable[[int], None]]:
    """Shows a progress bar if standard error is a terminal. Yields a function that takes the number
    of rows written."""
    if not _shows_progress(output):
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("export", total=total)

        def show(row_count: int) -> None:
            progress.update(task, completed=row_count, description=f"{row_count:,} rows")

        yield show
