"""`segments keys`: creates, lists and revokes keys of the API."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.commands import connections
from app.domain.api_keys import ApiKey, Role
from app.filters.calendar import parse_duration
from app.services.api_keys import ApiKeys
from app.settings import Settings

_COLUMNS = ("PREFIX", "ROLE", "NAME", "CREATED", "EXPIRES", "LAST USE")

PrintLine = Callable[[str], None]
Result = TypeVar("Result")


def parse_lifetime(text: str) -> timedelta:
    """Parses the option --expires. Raises BadParameter, which ends the command with status 2."""
    try:
        return parse_duration(text.upper())
    except ValueError as error:
        raise typer.BadParameter(f"--expires: {error}.") from None


def create(
    settings: Settings,
    role: str,
    name: str | None,
    lifetime: timedelta | None,
    print_line: PrintLine,
) -> None:
    """Creates a key and prints it alone on the last line."""

    async def create_key(keys: ApiKeys) -> tuple[str, ApiKey]:
        return await keys.create(Role(role.upper()), name, lifetime, datetime.now(UTC))

    text, key = _run(settings, create_key)
    expiry = "never expires" if key.expires_at is None else f"expires at {key.expires_at:%F %R} UTC"
    print_line(f"Created a key with the role {role}, which {expiry}.")
    print_line("Keep it in a safe place: it can't be shown again.")
    print_line(text)


def list_(settings: Settings) -> None:
    """Prints all keys as a table."""
    keys = _run(settings, lambda keys: keys.all())
    now = datetime.now(UTC)
    table = Table(*_COLUMNS, box=None, pad_edge=False, header_style="")
    for key in keys:
        expiry = "never" if key.expires_at is None else f"{key.expires_at:%F %R}"
        cells = (
            key.prefix,
            key.role.value.lower(),
            key.name,
            f"{key.created_at:%F %R}",
            f"{expiry} (expired)" if key.has_expired(now) else expiry,
            "never" if key.last_used_at is None else f"{key.last_used_at:%F %R}",
        )
        table.add_row(*map(Text, cells))
    console = Console(highlight=False)
    # A narrow terminal must not cut a prefix; what is piped has one line for each key.
    console.print(table, width=max(console.width, console.measure(table).maximum), crop=False)


def revoke(settings: Settings, prefix: str, print_line: PrintLine) -> None:
    """Deletes a key. Raises InputError if there is none with the prefix."""
    _run(settings, lambda keys: keys.revoke(prefix))
    print_line(f"Revoked {prefix}.")


def _run(settings: Settings, use: Callable[[ApiKeys], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with connections.open_store(settings) as store:
            return await use(ApiKeys(store))

    return asyncio.run(run())
