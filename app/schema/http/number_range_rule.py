"""A validation rule: numbers must fit into 64 bits, as in JSON variables."""

from math import isfinite
from typing import Any

from graphql import FloatValueNode, GraphQLError, IntValueNode, ValidationRule


class NumberRangeRule(ValidationRule):
    def enter_int_value(self, node: IntValueNode, *_: Any) -> None:
        # Check the length first: Python's int() raises an error for thousands of digits.
        if len(node.value) > 20 or not -(2**63) <= int(node.value) < 2**63:
            self.report_error(GraphQLError("This integer doesn't fit into 64 bits.", node))

    def enter_float_value(self, node: FloatValueNode, *_: Any) -> None:
        if not isfinite(float(node.value)):
            self.report_error(GraphQLError("This number is too large.", node))
