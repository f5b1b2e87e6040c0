"""Reads numbers and amounts of money as files have them.

What a number means is never guessed: the unit of amounts is an option, and so is a decimal comma.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from app.services.imports.options import AmountUnit, DecimalMark

MINOR_UNITS_PER_MAJOR_UNIT = 100
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_PLAIN = re.compile(r"-?[0-9]{1,19}(?:\.[0-9]+)?")
_GROUPED_BY_COMMAS = re.compile(
    r"-?(?:[0-9]{1,19}|[0-9]{1,3}(?:[,' \u00a0\u202f][0-9]{3})+)(?:\.[0-9]+)?"
)
_GROUPED_BY_POINTS = re.compile(
    r"-?(?:[0-9]{1,19}|[0-9]{1,3}(?:[.' \u00a0\u202f][0-9]{3})+)(?:,[0-9]+)?"
)
_GROUP_MARKS = re.compile("[' \u00a0\u202f]")
_WITH_EXPONENT = re.compile(r"[-+]?[0-9.,]+[eE][-+]?[0-9]+")


@dataclass(frozen=True)
class NumberReader:
    """Reads numbers by the option `--decimal`. With it, thousands may be grouped."""

    decimal: DecimalMark | None = None

    def to_decimal(self, text: str) -> Decimal:
        """Returns the number. Raises ValueError for other text."""
        text = text.strip()
        match self.decimal:
            case DecimalMark.COMMA if _GROUPED_BY_POINTS.fullmatch(text):
                text = _GROUP_MARKS.sub("", text).replace(".", "").replace(",", ".")
            case DecimalMark.POINT if _GROUPED_BY_COMMAS.fullmatch(text):
                text = _GROUP_MARKS.sub("", text).replace(",", "")
            case None if _PLAIN.fullmatch(text):
                pass
            case None if _GROUPED_BY_COMMAS.fullmatch(text) or _GROUPED_BY_POINTS.fullmatch(text):
                raise ValueError(
                    "has a comma or groups of thousands; say --decimal . or --decimal ,"
                )
            case _:
                raise ValueError(_describe_invalid(text))
        return Decimal(text)

    def to_json_number(self, text: str) -> Any:
        """Returns an integer or a float. Raises ValueError for other text."""
        if self.decimal is not None:
            number = self.to_decimal(text)
            return int(number) if number == number.to_integral_value() else float(number)
        try:
            value = orjson.loads(text.strip())
        except orjson.JSONDecodeError:
            value = None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("must be a number as in JSON; say --decimal , for a decimal comma")
        return value


def _describe_invalid(text: str) -> str:
    """Says what a text must be that is no number."""
    if _WITH_EXPONENT.fullmatch(text):
        return "must be a number with all its digits, like 1000 and not 1e3"
    if any(map(str.isdigit, text)):
        return "must be a number alone, like 12.50, without a currency or other text"
    return "must be a number"


@dataclass(frozen=True)
class AmountReader:
    """Reads amounts of money in one unit, and returns them in minor units (cents)."""

    unit: AmountUnit
    numbers: NumberReader

    def to_minor_units(self, text: str) -> int:
        """Raises ValueError for text that is no amount, or that has too many decimals."""
        if self.unit is AmountUnit.MINOR and _WHOLE.fullmatch(text):
            return int(text)
        return require_whole(self.to_exact_minor_units(text))

    def to_exact_minor_units(self, text: str) -> Decimal:
        """Returns the amount with its fraction of a minor unit, like the price of one of many."""
        number = self.numbers.to_decimal(text)
        if self.unit is AmountUnit.MAJOR:
            return number * MINOR_UNITS_PER_MAJOR_UNIT
        if number != number.to_integral_value():
            raise ValueError("has decimals; say --amounts major if 12.50 means 12.50")
        return number


def require_whole(amount: Decimal) -> int:
    """Returns an amount in minor units as an integer. Raises ValueError if it has a fraction."""
    if amount != amount.to_integral_value():
        raise ValueError("has more than two decimals")
    return int(amount)
