"""All filters, in the order of the report."""

from tests.benchmarks.million.attribute_cases import attribute_cases
from tests.benchmarks.million.event_cases import event_cases

FILTER_CASES = [*attribute_cases(), *event_cases()]
