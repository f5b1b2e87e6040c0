"""All questions, in the order of the report."""

from tests.benchmarks.million.of_attributes import of_attributes
from tests.benchmarks.million.of_events import of_events

QUESTIONS = [*of_attributes(), *of_events()]
