"""segments: the commands. Each imports what it needs, so that --help is quick."""

import signal
import sys
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from typer.exceptions import Abort, TyperException

HostOption = Annotated[str, typer.Option(help="The address to listen on.")]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")]
DataFolderOption = Annotated[
    Path, typer.Option(help="The folder that keeps the data.", file_okay=False)
]


class ImportKind(Enum):
    """What can be imported."""

    CUSTOMERS = "customers"
    EVENTS = "events"
    ORDERS = "orders"


class WorkerPart(Enum):
    """What a worker consists of."""

    ENGINE = "engine"
    JOBS = "jobs"
    CONSUMERS = "consumers"


app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Keeps a shop's customer segments: exactly, at scale, over GraphQL.",
)


def _print_version(is_requested: bool) -> None:
    if is_requested:
        from importlib.metadata import version

        typer.echo(f"segments {version('customer-segments')}")
        raise typer.Exit


@app.callback()
def segments(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None: ...


@app.command()
def up(
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    data: DataFolderOption = Path(".segments"),
    sample: Annotated[
        bool, typer.Option("--sample", help="Load a small made-up shop to try things out on.")
    ] = False,
) -> None:
    """Everything on one machine: the stores, the API, a worker."""
    from app.local import up as local
    from app.settings import Settings

    local.run(
        Settings(),
        data,
        host,
        port,
        print_line=typer.echo,
        print_warning=lambda line: typer.echo(line, err=True),
        load_sample=sample,
    )


@app.command()
def api(host: HostOption = "127.0.0.1", port: PortOption = 8000) -> None:
    """The API alone; needs MONGODB_URL and REDIS_URL."""
    from app.commands import api as command

    command.run(host, port)


@app.command()
def worker(
    only: Annotated[
        WorkerPart | None, typer.Option(help="Run this part of the worker alone, not all of them.")
    ] = None,
) -> None:
    """A worker alone, as many as you like; needs MONGODB_URL and REDIS_URL."""
    from app.commands import worker as command

    command.run(only and only.value)


@app.command()
def sdl(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail where something differs.")
    ] = False,
) -> None:
    """Writes graphql-schema/, or checks that it says what the code does."""
    from app.commands import sdl as command

    if check:
        command.check(print_warning=lambda line: typer.echo(line, err=True))
    else:
        for file in command.write():
            typer.echo(f"Wrote {file}")


@app.command()
def doctor(data: DataFolderOption = Path(".segments")) -> None:
    """Looks at the connections, versions and indexes; says what to mend."""
    from app.commands import doctor as command
    from app.local.running_addresses import load_settings

    if not command.run(load_settings(data)):
        raise typer.Exit(1)


@app.command("import")
def import_(
    what: Annotated[ImportKind, typer.Argument(help="What the rows are.", show_choices=True)],
    file: Annotated[str, typer.Argument(help="The file; - is standard input.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, write nothing.")
    ] = False,
    data: DataFolderOption = Path(".segments"),
) -> None:
    """Takes in customers, events or orders from CSV or NDJSON.

    A name that ends in .csv, .ndjson or .jsonl tells the format; of any other file, and of standard
    input, the first character does: { is NDJSON.

    NDJSON has the shape of the API's inputs. CSV has a header of dotted names like sourceId,
    address.city, metadata.vip, customer.sourceId; an empty cell is left out. In metadata and
    properties, cells are read as the key is defined; without a definition what looks like a JSON
    number of up to 15 digits, true, false, a list or an object is one, and all else is text.

    Refused rows go to FILE.rejected.ndjson (of standard input: stdin.rejected.ndjson, here) with
    their line and what is wrong; the exit status is then 1. The same file again changes nothing:
    events without an idempotencyKey get one from what the row says.
    """
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, _exit_interrupted)
    from app.commands import import_ as command
    from app.local.running_addresses import load_settings
    from app.settings import Settings

    settings = Settings()
    if settings.mongodb_url is None:
        settings = load_settings(data)
    raise typer.Exit(command.run(settings, what.value, file, dry_run=dry_run))


def main() -> NoReturn:
    """Whatever goes wrong is one plain line on standard error."""
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, _exit_successfully)
    try:
        exit_status = app(prog_name="segments", standalone_mode=False)
    except Abort:
        sys.exit(1)
    except TyperException as error:
        _exit_with_message(
            error.format_message() or "say what to do; see segments --help", error.exit_code
        )
    except Exception as error:  # noqa: BLE001 - the one place; nobody above could read a traceback
        from app.commands.errors import format_error

        _exit_with_message(format_error(error), 1)
    sys.exit(exit_status if isinstance(exit_status, int) else 0)


def _exit_with_message(message: str, exit_status: int) -> NoReturn:
    typer.echo(f"segments: {message}", err=True)
    sys.exit(exit_status)


def _exit_interrupted(signal_number: int, frame: FrameType | None) -> None:
    """Work that was not done is a failure."""
    _exit_with_message("interrupted before anything was read", 128 + signal_number)


def _exit_successfully(signal_number: int, frame: FrameType | None) -> None:
    """Being told to stop is no failure."""
    raise SystemExit(0)
