"""`segments keys` on the command line."""

from enum import Enum
from typing import Annotated

import typer

from app.cli_options import DEFAULT_DATA_FOLDER, DataFolderOption, mongodb_settings

app = typer.Typer(no_args_is_help=True, help="Create, list and revoke keys of the API.")


class RoleOption(Enum):
    """Roles of a key."""

    ADMIN = "admin"
    WRITE = "write"
    READ = "read"
    CHECK = "check"


@app.command("create")
def create(
    role: Annotated[RoleOption, typer.Option(help="What the key may do.", show_choices=True)],
    name: Annotated[
        str | None, typer.Option(help="What the key is for; default: its prefix.")
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="When it expires, like P90D; default: never."),
    ] = None,
    data: DataFolderOption = DEFAULT_DATA_FOLDER,
) -> None:
    """Create a key. It is printed once, alone on the last line.

    admin may do everything; write changes customers, events, orders, segments, exports and rules;
    read runs queries and subscriptions; check asks for memberships and validations, and is meant
    for the front end of a shop. Each role includes those after it.
    """
    from app.commands import keys as command

    lifetime = command.parse_lifetime(expires) if expires else None
    command.create(mongodb_settings(data), role.value, name, lifetime, typer.echo)


@app.command("list")
def list_(data: DataFolderOption = DEFAULT_DATA_FOLDER) -> None:
    """List all keys by their prefixes, with their roles, names, expiries and last uses (UTC)."""
    from app.commands import keys as command

    command.list_(mongodb_settings(data), typer.echo)


@app.command("revoke")
def revoke(
    prefix: Annotated[str, typer.Argument(help="The prefix of the key, as `list` shows it.")],
    data: DataFolderOption = DEFAULT_DATA_FOLDER,
) -> None:
    """Revoke a key. Every API process refuses it within seconds, and closes its sockets."""
    from app.commands import keys as command

    command.revoke(mongodb_settings(data), prefix, typer.echo)
