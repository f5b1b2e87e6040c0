"""What holds for the whole project."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Project:
    """The project's settings. `currency` is the ISO 4217 code of all amounts, if it is set."""

    time_zone: str
    week_start: str
    currency: str | None
