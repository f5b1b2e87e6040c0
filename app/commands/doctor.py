"""`segments doctor`: checks MongoDB, Redis, the segments, the engine and the consumers."""

import asyncio
import re
from collections.abc import Iterator

from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from app import open_files
from app.commands import (
    connections,
    engine_health,
    keys_health,
    mongodb_health,
    redis_health,
    segments_health,
)
from app.services.health import Finding
from app.settings import Settings

_MIN_OPEN_FILES = 4_096


def run(settings: Settings) -> bool:
    """Prints the settings and all findings. Returns whether none needs a remedy."""
    console = Console(highlight=False)
    for name, value in _list_settings(settings):
        console.print(Text(f"      {name} = {value}", "dim"), soft_wrap=True)
    is_healthy = True
    for finding in _findings(settings):
        is_healthy = is_healthy and finding.is_ok
        console.print(_format_finding(finding), soft_wrap=True)
    return is_healthy


def _findings(settings: Settings) -> Iterator[Finding]:
    yield _check_open_files()
    mongodb_findings = list(mongodb_health.check(settings))
    yield from mongodb_findings
    yield from redis_health.check(settings)
    if all(finding.is_ok for finding in mongodb_findings):
        yield from asyncio.run(_check_store(settings))


async def _check_store(settings: Settings) -> list[Finding]:
    async with connections.open_store(settings) as store:
        return [
            await keys_health.check(settings, store),
            await segments_health.check(settings, store),
            *await engine_health.check(store),
        ]


def _check_open_files() -> Finding:
    """Checks the limit that the parts of the program raise theirs to."""
    limit = open_files.hard_limit()
    remedy = (
        f"raise the hard limit to {_MIN_OPEN_FILES} or more, with LimitNOFILE= of systemd or in"
        " /etc/security/limits.conf"
    )
    return Finding("open files", f"at most {limit}", remedy if limit < _MIN_OPEN_FILES else "")


def _format_finding(finding: Finding) -> Text:
    text = f"{finding.subject}: {finding.state}"
    if finding.is_ok:
        return Text.assemble(("ok    ", "green"), text)
    return Text.assemble(("fix   ", "bold red"), text, f"; {finding.remedy}")


def _list_settings(settings: Settings) -> Iterator[tuple[str, str]]:
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        variable = field.validation_alias or f"SEGMENTS_{name.upper()}"
        yield str(variable), _format_value(value)


def _format_value(value: object) -> str:
    if isinstance(value, SecretStr):
        return _mask_secret(value)
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _mask_secret(secret: SecretStr) -> str:
    """Hides the password and other secrets of a URL, and any secret that is not a URL."""
    text = secret.get_secret_value()
    if "://" not in text:
        return "***"
    text = re.sub(r"(?<=://)([^:@]*):.*@", r"\1:***@", text)
    return re.sub(r"(?i)((password|token|properties)=)[^&]*", r"\1***", text)
