"""Parts of a string, taken literally."""

from app.filters.calendar import Now
from app.filters.folding import pattern
from app.filters.operators.operator import (
    STRINGS,
    Complement,
    ElementOperator,
    Example,
    Operand,
    Query,
    Test,
)
from app.filters.values import NON_EMPTY_TEXT


class _PartOfText(ElementOperator):
    """A string in which the given one stands at a certain place."""

    types = STRINGS
    takes = NON_EMPTY_TEXT
    takes_case = True
    before = after = ""

    def query(self, path: str, operand: Operand, now: Now) -> Query:
        part = pattern(operand.value, operand.ignore_case)
        return {path: {"$regex": f"{self.before}{part}{self.after}"}}

    def test(self, operand: Operand, now: Now) -> Test:
        part = operand.folded(operand.value)
        return lambda e: isinstance(e, str) and self.stands(operand.folded(e), part)

    def stands(self, text: str, part: str) -> bool:
        raise NotImplementedError


class StartsWith(_PartOfText):
    """Text that begins with the given one."""

    name = "STARTS_WITH"
    label = "starts with"
    phrase = "starts with {value}"
    before = "^"
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

    def stands(self, text: str, part: str) -> bool:
        return text.startswith(part)


STARTS_WITH = StartsWith()


class EndsWith(_PartOfText):
    """Text that ends with the given one."""

    name = "ENDS_WITH"
    label = "ends with"
    phrase = "ends with {value}"
    after = r"\z"
    examples = (
        Example("ann@example.com", "@example.com", True),
        Example("ann@exampleXcom", "@example.com", False),
        Example("abc\n", "abc", False),
        Example("ΟΔΟΣ", "οδος", True, ignore_case=True),
        Example("ABC", "bc", False),
        Example(None, "a", False),
    )

    def stands(self, text: str, part: str) -> bool:
        return text.endswith(part)


ENDS_WITH = EndsWith()


class Contains(_PartOfText):
    """Text in which the given one stands somewhere."""

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

    def stands(self, text: str, part: str) -> bool:
        return part in text


CONTAINS = Contains()


class NotContains(Complement):
    """Text in which the given one stands nowhere, or no text at all."""

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
