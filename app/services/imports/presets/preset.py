"""What a preset says about the exports of one tool."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ANY_WORD = "*"


@dataclass(frozen=True)
class StatusRule:
    """The words of a column that decide the status of an order, in lower case. ANY_WORD stands for
    every text."""

    column: str
    statuses_by_word: Mapping[str, str]


@dataclass(frozen=True)
class Preset:
    """The mapping and the options for the exports of one tool.

    `columns` are pairs of a column's name and a path. Of several columns with one path the first
    that has a text counts; the texts of several columns for `name` are joined. The first rule of
    `status_rules` that knows its column's word decides. `marked_columns` may begin with an
    apostrophe, by which a spreadsheet knows that a number is text.
    """

    name: str
    row_types: tuple[str, ...]
    columns: tuple[tuple[str, str], ...] = ()
    status_rules: tuple[StatusRule, ...] = ()
    marked_columns: frozenset[str] = frozenset()
    types: Mapping[str, str] = field(default_factory=dict)
    unknown: str = "metadata"
    amounts: str | None = None
    zone: str | None = None
    is_ndjson: bool = False

    @property
    def known_columns(self) -> set[str]:
        """The names of the columns in lower case."""
        return {
            *(column.casefold() for column, _ in self.columns),
            *(rule.column.casefold() for rule in self.status_rules),
        }

    @property
    def statuses_by_word(self) -> dict[str, str]:
        """All words for a status."""
        return {
            word: status
            for rule in reversed(self.status_rules)
            for word, status in rule.statuses_by_word.items()
            if word != ANY_WORD
        }
