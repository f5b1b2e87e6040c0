"""Formats the report of an import."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from app.services.bulk_rows import RowChange
from app.services.imports.options import ImportOptions
from app.services.imports.report import ImportReport, ReportColumn

STDIN_NAME = "-"
_MAX_REASONS = 5
_REPETITIONS = {
    "customers": "a customer of an earlier row: what they name replaces what that row named",
    "orders": "an order of an earlier row: what they name replaces what that row named",
    "events": "an event of an earlier row, by their idempotencyKey: they change nothing",
}
_MAX_CELL_CHARACTERS = 40
_HEADINGS = ("COLUMN", "PATH", "TYPE", "REFUSED", "SAMPLE")


def format_report(kind: str, report: ImportReport, seconds: float, *, dry_run: bool) -> str:
    """Returns the lines that tell what the import found and did."""
    return "\n".join(_lines(kind, report, seconds, dry_run))


def import_command(
    kind: str,
    file: str,
    options: ImportOptions,
    data_folder: Path | None,
    detected_types: Mapping[str, str] | None = None,
) -> str:
    """Returns the command that imports another file, or rows of another kind: the same options,
    and the types that the values of the whole file have told."""
    # A name that begins with a hyphen would be an option.
    name = f"./{file}" if file.startswith("-") and file != STDIN_NAME else file
    arguments = _arguments(options, data_folder, detected_types or {})
    return shlex.join(["segments", "import", kind, name, *arguments])


def _arguments(
    options: ImportOptions, data_folder: Path | None, detected_types: Mapping[str, str]
) -> Iterator[str]:
    yield from ("--preset", options.preset.name) if options.preset else ()
    for column, mapped_path in options.paths_by_column.items():
        yield from ("--map", f"{column}={mapped_path}")
    for typed_path, type_ in {**detected_types, **options.types_by_path}.items():
        yield from ("--type", f"{typed_path}={type_}")
    choices = {
        "--unknown": options.unknown,
        "--amounts": options.amounts,
        "--decimal": options.decimal,
        "--dates": options.dates,
    }
    for name, choice in choices.items():
        yield from (name, choice.value) if choice else ()
    yield from ("--dates", "now") if options.is_missing_time_now else ()
    yield from ("--zone", str(options.zone)) if options.zone else ()
    # The file has the encoding and the delimiter of the imported one.
    yield from ("--delimiter", options.delimiter) if options.delimiter else ()
    yield from ("--encoding", options.encoding) if options.encoding else ()
    yield from ("--data", str(data_folder)) if data_folder else ()


def _lines(kind: str, report: ImportReport, seconds: float, dry_run: bool) -> Iterator[str]:
    row_count = report.accepted_count + report.rejected_count
    yield (
        f"{kind}: {row_count:,} rows read, {report.accepted_count:,} accepted,"
        f" {report.rejected_count:,} rejected in {seconds:.1f} s,"
        f" {row_count / seconds:,.0f} rows/s"
        + (" (dry run: nothing was written)" if dry_run else "")
    )
    yield ", ".join(f"{report.counts[change]:,} {change.value}" for change in RowChange)
    if report.repeated_count:
        yield f"{report.repeated_count:,} rows are about {_REPETITIONS[kind]}"
    yield report.file_description
    yield from _column_lines(report.columns)
    if report.rejected_count:
        yield "Most frequent reasons for rejection:"
        for reason in report.frequent_reasons(_MAX_REASONS):
            rows = "1 row" if reason.count == 1 else f"{reason.count:,} rows"
            yield f"  {rows}, first in line {reason.first_line}: {reason.message}"


def _column_lines(columns: Sequence[ReportColumn]) -> Iterator[str]:
    rows = [_HEADINGS]
    for column in columns:
        paths = " ".join(column.paths) or ("(ignored)" if column.name else "(no name, empty)")
        rows.append(
            (
                _shorten(column.name),
                paths,
                column.type,
                f"{column.refused_count:,}",
                _shorten(column.sample or ""),
            )
        )
    widths = [max(len(row[index]) for row in rows) for index in range(len(_HEADINGS) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        cells[3] = row[3].rjust(widths[3])
        yield "  ".join([*cells, row[-1]]).rstrip()


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_CELL_CHARACTERS else line[: _MAX_CELL_CHARACTERS - 1] + "…"
