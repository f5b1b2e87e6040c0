"""Public ids: opaque to callers, but the program can read their kind."""

import re
from enum import Enum

_SHAPE = re.compile(r"([a-z]{3})_[0-9a-f]{24}")


class Kind(Enum):
    """What an id stands for; the value is its prefix."""

    CUSTOMER = "cus"
    EVENT = "evt"
    ORDER = "ord"
    SEGMENT = "seg"
    TRANSITION = "trn"
    LEDGER_ENTRY = "led"
    LOYALTY_PROGRAM = "loy"
    EARNING_RULE = "ear"


_KINDS = {kind.value: kind for kind in Kind}


def kind_of(id_: str) -> Kind | None:
    """The kind of a well-formed id; None for any other text."""
    found = _SHAPE.fullmatch(id_)
    return _KINDS.get(found[1]) if found else None
