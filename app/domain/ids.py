"""Public ids. They are opaque to clients; their prefix tells the program the kind of entity."""

import re
from enum import Enum

_ID_PATTERN = re.compile(r"([a-z]{3})_[0-9a-f]{24}")


class EntityKind(Enum):
    """The kind of entity that an id identifies. The value is the prefix of the id."""

    CUSTOMER = "cus"
    EVENT = "evt"
    ORDER = "ord"
    SEGMENT = "seg"
    TRANSITION = "trn"
    LEDGER_ENTRY = "led"
    LOYALTY_PROGRAM = "loy"
    EARNING_RULE = "ear"
    DISTRIBUTION = "dis"
    DELIVERY = "dlv"
    CODE_POOL = "cop"
    VALIDATION_RULE = "val"


_KINDS_BY_PREFIX = {kind.value: kind for kind in EntityKind}


def kind_of(id_: str) -> EntityKind | None:
    """Returns the kind of a well-formed id; None for any other text."""
    match = _ID_PATTERN.fullmatch(id_)
    return _KINDS_BY_PREFIX.get(match[1]) if match else None
