"""The filter language: a tree, its two engines, and the words for it. Pure."""

from app.filters.calendar import Calendar, Now
from app.filters.catalog import Catalog, MetadataType
from app.filters.evaluate import Evaluation, Facts, holds
from app.filters.explain import explain
from app.filters.fields import AttributeType
from app.filters.flips import changes_at
from app.filters.parse import canonical, parse
from app.filters.pipeline import Pipeline, ways
from app.filters.reference import reference
from app.filters.tree import Filter
from app.filters.wording import text

__all__ = [
    "AttributeType",
    "Calendar",
    "Catalog",
    "Evaluation",
    "Facts",
    "Filter",
    "MetadataType",
    "Now",
    "Pipeline",
    "canonical",
    "changes_at",
    "explain",
    "holds",
    "parse",
    "reference",
    "text",
    "ways",
]
