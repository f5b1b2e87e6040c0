"""segments: the commands. Each imports what it needs, so that --help is quick."""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from typer.exceptions import Abort, TyperException

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")]
Data = Annotated[Path, typer.Option(help="The folder that keeps the data.", file_okay=False)]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Keeps a shop's customer segments: exactly, at scale, over GraphQL.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"segments {version('customer-segments')}")
        raise typer.Exit


@app.callback()
def segments(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None: ...


@app.command()
def up(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data: Data = Path(".segments"),
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
        announce=typer.echo,
        warn=lambda line: typer.echo(line, err=True),
        sample=sample,
    )


@app.command()
def api(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """The API alone; needs MONGODB_URL and REDIS_URL."""
    from app.commands import api as command

    command.run(host, port)


@app.command()
def worker() -> None:
    """A worker alone, as many as you like; needs MONGODB_URL and REDIS_URL."""
    from app.commands import worker as command

    command.run()


@app.command()
def sdl(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail where something differs.")
    ] = False,
) -> None:
    """Writes graphql-schema/, or checks that it says what the code does."""
    from app.commands import sdl as command

    if check:
        command.check(warn=lambda line: typer.echo(line, err=True))
    else:
        for file in command.write():
            typer.echo(f"Wrote {file}")


@app.command()
def doctor(data: Data = Path(".segments")) -> None:
    """Looks at the connections, versions and indexes; says what to mend."""
    from app.commands import doctor as command
    from app.local.running import settings_beside

    if not command.run(settings_beside(data)):
        raise typer.Exit(1)


def main() -> NoReturn:
    """Whatever goes wrong is one plain line on standard error."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        status = app(prog_name="segments", standalone_mode=False)
    except Abort:
        sys.exit(1)
    except TyperException as error:
        _exit(error.format_message() or "say what to do; see segments --help", error.exit_code)
    except Exception as error:  # noqa: BLE001 - the one place; nobody above could read a traceback
        from app.commands.errors import one_line

        _exit(one_line(error), 1)
    sys.exit(status if isinstance(status, int) else 0)


def _exit(line: str, status: int) -> NoReturn:
    typer.echo(f"segments: {line}", err=True)
    sys.exit(status)


def _leave(number: int, frame: FrameType | None) -> None:
    """Being told to stop is no failure."""
    raise SystemExit(0)
