"""segments doctor"""

import re
from collections.abc import Iterator

from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from app.commands import engine_health, mongodb_health, redis_health, segments_health
from app.commands.finding import Finding
from app.settings import Settings


def run(settings: Settings) -> bool:
    """Whether all is well."""
    console = Console(highlight=False)
    for name, value in _in_force(settings):
        console.print(Text(f"      {name} = {value}", "dim"), soft_wrap=True)
    well = True
    for finding in _findings(settings):
        well = well and finding.ok
        console.print(_line(finding), soft_wrap=True)
    return well


def _findings(settings: Settings) -> Iterator[Finding]:
    of_mongodb = list(mongodb_health.look(settings))
    yield from of_mongodb
    yield from redis_health.look(settings)
    if all(finding.ok for finding in of_mongodb):
        yield segments_health.look(settings)
        yield from engine_health.look(settings)


def _line(finding: Finding) -> Text:
    said = f"{finding.subject}: {finding.state}"
    if finding.ok:
        return Text.assemble(("ok    ", "green"), said)
    return Text.assemble(("mend  ", "bold red"), said, f"; {finding.mend}")


def _in_force(settings: Settings) -> Iterator[tuple[str, str]]:
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        variable = field.validation_alias or f"SEGMENTS_{name.upper()}"
        yield str(variable), _shown(value)


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return _masked(value)
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _masked(secret: SecretStr) -> str:
    """Of an address all but the password is worth seeing; of any other secret nothing."""
    text = secret.get_secret_value()
    if "://" not in text:
        return "***"
    text = re.sub(r"(?<=://)([^:@]*):.*@", r"\1:***@", text)
    return re.sub(r"(?i)((password|token|properties)=)[^&]*", r"\1***", text)
