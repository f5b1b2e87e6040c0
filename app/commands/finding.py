"""What the doctor found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """ok, or what to mend."""

    subject: str
    state: str
    remedy: str = ""

    @property
    def is_ok(self) -> bool:
        return not self.remedy
