"""One finding of `segments doctor`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one subject; `remedy` says what the operator has to do, if anything."""

    subject: str
    state: str
    remedy: str = ""

    @property
    def is_ok(self) -> bool:
        return not self.remedy
