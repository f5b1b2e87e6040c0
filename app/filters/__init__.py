"""The filter language: the tree, the aggregation pipeline, the in-process evaluator.

The package performs no I/O. `README.md` beside this file explains how a filter runs.
"""

from app.filters.calendar import Calendar, Now
from app.filters.catalog import Catalog, MetadataType
from app.filters.descriptions import describe
from app.filters.evaluate import CustomerFacts, Evaluation, holds
from app.filters.explain import explain
from app.filters.fields import AttributeType
from app.filters.filter_json import canonical
from app.filters.next_change import find_next_change
from app.filters.parse import parse
from app.filters.pipeline import Pipeline, plans
from app.filters.reference import reference
from app.filters.tree import Filter

__all__ = [
    "AttributeType",
    "Calendar",
    "Catalog",
    "CustomerFacts",
    "Evaluation",
    "Filter",
    "MetadataType",
    "Now",
    "Pipeline",
    "canonical",
    "describe",
    "explain",
    "find_next_change",
    "holds",
    "parse",
    "plans",
    "reference",
]
