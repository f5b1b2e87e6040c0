"""Public ids: opaque to callers, but the program can read their kind."""

import re
from enum import Enum

_ID_PATTERN = re.compile(r"([a-z]{3})_[0-9a-f]{24}")


class EntityKind(Enum):
    """What an id stands for; the value is its prefix."""

    CUSTOMER = "cus"
    EVENT = "evt"
    ORDER = "ord"
    SEGMENT = "seg"
    TRANSITION = "trn"
    LEDGER_ENTRY = "led"
    LOYALTY_PROGRAM = "loy"
    EARNING_RULE = "ear"


_KINDS_BY_PREFIX = {kind.value: kind for kind in EntityKind}


def kind_of(id_: str) -> EntityKind | None:
    """The kind of a well-formed id; None for any other text."""
    match = _ID_PATTERN.fullmatch(id_)
    return _KINDS_BY_PREFIX.get(match[1]) if match else None
