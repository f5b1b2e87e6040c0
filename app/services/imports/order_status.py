"""Reads the status of an order from a word of a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.orders import ORDER_STATUSES
from app.services.imports.options import ImportOptions
from app.services.imports.presets import PRESETS


@dataclass(frozen=True)
class StatusReader:
    """Reads statuses, whatever their case. `statuses_by_word` are further words, in lower case.

    With `advising_options`, the message about an unknown word names the presets that know it, with
    the option that keeps the amounts as they are.
    """

    statuses_by_word: Mapping[str, str] = field(default_factory=dict)
    advising_options: ImportOptions | None = None

    def read(self, text: str) -> str:
        """Returns the status. Raises ValueError for an unknown word."""
        word = text.strip()
        status = self.statuses_by_word.get(word.casefold()) or word.upper()
        if status not in ORDER_STATUSES:
            raise ValueError(f"must be one of {', '.join(ORDER_STATUSES)}{self._advice(word)}")
        return status

    def _advice(self, word: str) -> str:
        options = self.advising_options
        if options is None or options.preset:
            return ""
        # A preset has a unit of amounts of its own.
        amounts = f" --amounts {options.amounts.value}" if options.amounts else ""
        presets = [
            f"--preset {preset.name}{amounts}"
            for preset in PRESETS.values()
            if word.casefold() in preset.statuses_by_word
        ]
        return f"; {word!r} is a word of {' or '.join(presets)}" if presets else ""
