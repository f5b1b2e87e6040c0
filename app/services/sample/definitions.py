"""The metadata definitions of the sample shop, in the shape of MetadataDefinitionInput."""

from typing import Any

from app.services.sample.shop import PLANS, TAGS, Row


def _definition(key: str, type_: str, label: str, **options: Any) -> Row:
    return {"key": key, "type": type_, "label": label, **options}


DEFINITIONS = (
    _definition("vip", "BOOLEAN", "VIP"),
    _definition("plan", "STRING", "Plan", allowedValues=list(PLANS)),
    _definition("tags", "STRING", "Interests", isArray=True, allowedValues=list(TAGS)),
    _definition("newsletter", "BOOLEAN", "Gets the newsletter"),
    _definition("signupDate", "DATE", "Signed up on"),
    _definition("favouriteStore", "GEOPOINT", "Favourite store"),
)
