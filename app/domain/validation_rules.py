"""Validation rules: who may use something, judged at the moment of asking."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAX_VALIDATION_RULES = 10_000


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """A rule that holds for the customers who match its filter. `filter` has the shape of
    FilterInput. `error_message` is the client's text for the others."""

    id: str
    name: str
    filter: Mapping[str, Any]
    error_message: str | None
    created_at: datetime
