"""What the doctor found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """ok, or what to mend."""

    subject: str
    state: str
    mend: str = ""

    @property
    def ok(self) -> bool:
        return not self.mend
