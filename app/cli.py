"""The `segments` command line. Commands import their modules late, so that --help is fast."""

import signal
import sys
from enum import Enum
from types import FrameType
from typing import Annotated, NoReturn

import typer
from typer.exceptions import Abort, TyperException

from app import keys_cli
from app.cli_options import DEFAULT_DATA_FOLDER, DataFolderOption, mongodb_settings

HostOption = Annotated[str, typer.Option(help="The address to listen on.")]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")]


class ImportKind(Enum):
    """Kinds of rows that can be imported."""

    CUSTOMERS = "customers"
    EVENTS = "events"
    ORDERS = "orders"


class ExportFormatOption(Enum):
    """Formats of an exported file."""

    CSV = "csv"
    NDJSON = "ndjson"


class WorkerPart(Enum):
    """Parts of a worker."""

    ENGINE = "engine"
    JOBS = "jobs"
    CONSUMERS = "consumers"


app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Customer segments for a shop, over GraphQL.",
)

app.add_typer(keys_cli.app, name="keys")


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
    data: DataFolderOption = DEFAULT_DATA_FOLDER,
    sample: Annotated[
        bool, typer.Option("--sample", help="Load a small sample shop first.")
    ] = False,
) -> None:
    """Run MongoDB, Valkey, the API and a worker on one machine.

    MONGODB_URL or REDIS_URL replaces the database of that kind by one that already runs.
    """
    from app.local import up as local
    from app.settings import Settings

    local.run(
        Settings(),
        data,
        host,
        port,
        print_line=typer.echo,
        print_status=lambda line: typer.echo(line, err=True),
        load_sample=sample,
    )


@app.command()
def api(host: HostOption = "127.0.0.1", port: PortOption = 8000) -> None:
    """Run the API. Needs MONGODB_URL and REDIS_URL."""
    from app.commands import api as command

    command.run(host, port)


@app.command()
def worker(
    only: Annotated[
        WorkerPart | None, typer.Option(help="Run only this part of the worker.")
    ] = None,
) -> None:
    """Run a worker. Several may run at a time. Needs MONGODB_URL and REDIS_URL."""
    from app.commands import worker as command

    command.run(only and only.value)


@app.command()
def receive(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 for a free one.")] = 8001,
    secret: Annotated[
        str | None, typer.Option(help="The signing secret (whsec_...); check signatures.")
    ] = None,
) -> None:
    """Receive webhooks on 127.0.0.1 and print them, to try out distributions.

    The sender must allow private addresses, as `segments up` does.
    """
    from app.commands import receive as command

    command.run(port, secret)


@app.command()
def sdl(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a file is out of date.")
    ] = False,
) -> None:
    """Write the generated files of graphql-schema/."""
    from app.commands import sdl as command

    if check:
        command.check(print_warning=lambda line: typer.echo(line, err=True))
    else:
        for file in command.write():
            typer.echo(f"Wrote {file}")


@app.command()
def doctor(data: DataFolderOption = DEFAULT_DATA_FOLDER) -> None:
    """Check databases, engine and consumers; say what to fix.

    Exits with status 1 if anything needs to be fixed.
    """
    from app.commands import doctor as command
    from app.local.running_addresses import load_settings

    if not command.run(load_settings(data)):
        raise typer.Exit(1)


@app.command("import")
def import_(
    what: Annotated[ImportKind, typer.Argument(help="The kind of the rows.", show_choices=True)],
    file: Annotated[str, typer.Argument(help="The file, or - for standard input.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check all rows; write nothing.")
    ] = False,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Read the export of a tool: shopify-customers, shopify-orders, woocommerce-orders,"
            " klaviyo, mailchimp, hubspot, stripe-customers, segment.",
        ),
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=PATH", help="The path of a column. Repeatable."),
    ] = None,
    unknown: Annotated[
        str | None,
        typer.Option(
            metavar="refuse|ignore|metadata",
            help="What to do with other columns: refuse the file (default), ignore them, or store"
            " them in metadata (of events: properties).",
        ),
    ] = None,
    type_: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            metavar="PATH=TYPE",
            help="The type of metadata or of a property, like metadata.vip=BOOLEAN, or [STRING] for"
            " a list. Repeatable.",
        ),
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(metavar=", ; tab", help="The delimiter; default: found out.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(metavar="NAME", help="The encoding; default: found out.")
    ] = None,
    amounts: Annotated[
        str | None,
        typer.Option(
            metavar="minor|major",
            help="The unit of amounts: minor (1250 is 12.50) or major (12.50 or 12 is 12.50 or"
            " 12.00). CSV with amounts needs it.",
        ),
    ] = None,
    decimal: Annotated[
        str | None,
        typer.Option(
            metavar=". ,", help="The decimal mark of numbers; thousands may then be grouped."
        ),
    ] = None,
    dates: Annotated[
        list[str] | None,
        typer.Option(
            metavar="iso|dmy|mdy|unix",
            help="How dates are written besides ISO: day first, month first, or seconds since 1970;"
            " now: an event or new order without a time is of now. Repeatable.",
        ),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="The zone of times without an offset: Europe/Berlin."),
    ] = None,
    data: DataFolderOption = DEFAULT_DATA_FOLDER,
) -> None:
    """Import customers, events or orders from CSV or NDJSON, plain or .gz.

    NDJSON rows have the shape of the API's inputs. CSV has a header of dotted names like sourceId,
    address.city, metadata.vip, customer.sourceId, customer.email or items.sku; --map or a preset
    gives other names a path. An empty cell sets nothing. Rows of one order that follow each other
    are its line items; items.price is the price of one piece, and customer.email finds the customer
    who alone has it. A column of metadata is NUMBER or BOOLEAN only if each value is one, else
    STRING; --type or the key's definition decides it otherwise.

    The report names each column with its path, type, a sample and the number of refused values,
    and the most frequent reasons. Rejected rows are written to FILE.rejected.csv or .ndjson with
    two more columns, line and reason; the exit status is then 1. Mend that file and import it. For
    standard input it is in the current folder. Importing the same file again changes nothing: an
    event without an idempotencyKey gets one that is derived from its row.
    """
    _exit_interrupted_before("anything was read")
    from app.commands import import_ as command
    from app.commands.import_options import parse_options

    options = parse_options(
        what.value,
        preset=preset,
        paths=map_ or [],
        unknown=unknown,
        types=type_ or [],
        delimiter=delimiter,
        encoding=encoding,
        amounts=amounts,
        decimal=decimal,
        dates=dates or [],
        zone=zone,
    )
    settings = mongodb_settings(data)
    data_folder = None if data == DEFAULT_DATA_FOLDER else data
    status = command.run(settings, what.value, file, options, data_folder, dry_run=dry_run)
    raise typer.Exit(status)


@app.command("export")
def export_(
    segment_id: Annotated[str, typer.Argument(help="The id of the segment.")],
    fields: Annotated[
        str | None,
        typer.Option(help="The columns, with commas between; default: sourceId,name,email."),
    ] = None,
    format_: Annotated[
        ExportFormatOption | None,
        typer.Option("--format", help="The format; default: as FILE ends, else csv."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="The file; default: standard output."),
    ] = None,
    data: DataFolderOption = DEFAULT_DATA_FOLDER,
) -> None:
    """Export the members of a segment as CSV or NDJSON.

    Fields are paths like sourceId, address.city, orders.totalAmount, events.NAME.count,
    metadata.vip or metadata (all keys). CSV has a header of these paths; a text that begins with =
    + - @, a tab or a carriage return gets an apostrophe in front, so that a spreadsheet does not
    run it as a formula. NDJSON has the shape that `segments import customers` takes.

    The members are those of the moment when the command starts. FILE appears once it is complete;
    until then the rows are in FILE.part.
    """
    _exit_interrupted_before("anything was written")
    from app.commands import export as command

    settings = mongodb_settings(data)
    status = command.run(settings, segment_id, fields, format_ and format_.value, output)
    raise typer.Exit(status)


def main() -> NoReturn:
    """Runs a command. Any error becomes one line on standard error."""
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, _exit_successfully)
    try:
        exit_status = app(prog_name="segments", standalone_mode=False)
    except Abort:
        sys.exit(1)
    except TyperException as error:
        # A missing option lists its choices in several lines.
        message = " ".join(error.format_message().split())
        _exit_with_message(message or "command missing; see segments --help", error.exit_code)
    except Exception as error:  # noqa: BLE001 - the top level: users get a message, no traceback
        from app.commands.errors import format_error

        _exit_with_message(format_error(error), 1)
    sys.exit(exit_status if isinstance(exit_status, int) else 0)


def _exit_with_message(message: str, exit_status: int) -> NoReturn:
    typer.echo(f"segments: {message}", err=True)
    sys.exit(exit_status)


def _exit_interrupted_before(milestone: str) -> None:
    """Makes signals exit with 128 plus the signal, as unfinished work is a failure."""

    def exit_interrupted(signal_number: int, frame: FrameType | None) -> None:
        _exit_with_message(f"interrupted before {milestone}", 128 + signal_number)

    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, exit_interrupted)


def _exit_successfully(signal_number: int, frame: FrameType | None) -> None:
    """Exits with 0, as a signal is the usual way to stop a server."""
    raise SystemExit(0)
