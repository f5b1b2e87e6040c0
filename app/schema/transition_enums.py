"""The enums of transitions in the API."""

from app.domain.transitions import TransitionCause, TransitionType
from app.schema.enums import register_enum

__all__ = ["TransitionCause", "TransitionType"]

register_enum(
    TransitionType,
    "The direction of a transition.",
    {"ENTERED": "The customer entered the segment.", "LEFT": "The customer left the segment."},
)
register_enum(
    TransitionCause,
    "LIVE: the customer's data changed. TIME: time passed. DELETED: the customer was deleted."
    " DEFINITION: something that the filter rests on changed: a segment inside it, a metadata"
    " definition, the time zone, the week start.",
    {
        "LIVE": "The customer's data changed.",
        "TIME": "Time passed.",
        "DELETED": "The customer was deleted.",
        "DEFINITION": "Something that the filter rests on changed.",
    },
)
