"""Operators that look for a substring. The substring is literal text, not a pattern."""

from app.filters.calendar import Now
from app.filters.case_folding import literal_regex
from app.filters.operators.operator import (
    STRING_TYPES,
    ElementOperator,
    ElementTest,
    Example,
    NegatedOperator,
    Operand,
    Query,
)
from app.filters.values import NON_EMPTY_TEXT


class _SubstringOperator(ElementOperator):
    """Matches a text that has the given substring at a certain position."""

    types = STRING_TYPES
    operand_kind = NON_EMPTY_TEXT
    takes_ignore_case = True
    pattern_prefix = pattern_suffix = ""

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        substring = literal_regex(operand.value, operand.ignore_case)
        return {path: {"$regex": f"{self.pattern_prefix}{substring}{self.pattern_suffix}"}}

    def element_test(self, operand: Operand, now: Now) -> ElementTest:
        substring = operand.folded_text
        return lambda element: (
            isinstance(element, str) and self.has_part(operand.fold_case(element), substring)
        )

    def required_substring(self, operand: Operand) -> str:
        return str(operand.value)

    def has_part(self, text: str, substring: str) -> bool:
        """Whether the text has the substring there. Both are case-folded if case is ignored."""
        raise NotImplementedError


class StartsWith(_SubstringOperator):
    """The text begins with the given text."""

    name = "STARTS_WITH"
    label = "starts with"
    phrase = "starts with {value}"
    pattern_prefix = "^"
    examples = (
        Example("Berlin", "Ber", True),
        Example("Berlin", "ber", False),
        Example("Berlin", "ber", True, ignore_case=True),
        Example("abc", "a.", False),
        Example("x\nabc", "abc", False),
        Example(["Ulm", "Bern"], "Ber", True),
        Example(12, "1", False),
        Example(None, "a", False),
    )

    def required_substring(self, operand: Operand) -> str:
        return super().required_substring(operand) if operand.ignore_case else ""

    def has_part(self, text: str, substring: str) -> bool:
        return text.startswith(substring)


STARTS_WITH = StartsWith()


class EndsWith(_SubstringOperator):
    """The text ends with the given text."""

    name = "ENDS_WITH"
    label = "ends with"
    phrase = "ends with {value}"
    pattern_suffix = r"\z"
    examples = (
        Example("ann@example.com", "@example.com", True),
        Example("ann@exampleXcom", "@example.com", False),
        Example("abc\n", "abc", False),
        Example("ΟΔΟΣ", "οδος", True, ignore_case=True),
        Example("ABC", "bc", False),
        Example(None, "a", False),
    )

    def has_part(self, text: str, substring: str) -> bool:
        return text.endswith(substring)


ENDS_WITH = EndsWith()


class Contains(_SubstringOperator):
    """The text contains the given text."""

    name = "CONTAINS"
    label = "contains"
    phrase = "contains {value}"
    examples = (
        Example("Berlin", "erl", True),
        Example("Berlin", "ERL", False),
        Example("Berlin", "ERL", True, ignore_case=True),
        Example("100 %", "0 %", True),
        Example("a*b", "*", True),
        Example(["ab", "cd"], "bc", False),
        Example(None, "a", False),
    )

    def has_part(self, text: str, substring: str) -> bool:
        return substring in text


CONTAINS = Contains()


class NotContains(NegatedOperator):
    """The text does not contain the given text, or the value is missing or is not a text.

    In an array, no element may contain the given text.
    """

    negates = CONTAINS
    name = "NOT_CONTAINS"
    label = "does not contain"
    phrase = "does not contain {value}"
    examples = (
        Example("Berlin", "x", True),
        Example("Berlin", "erl", False),
        Example(None, "x", True),
        Example(7, "7", True),
    )


NOT_CONTAINS = NotContains()
