"""What a campaign of the sample shop needs: a validation rule and a pool of codes."""

from app.services.sample.shop import Row

CODE_POOL: Row = {
    "name": "Spring discount",
    "generate": {"count": 500, "pattern": "SPRING-####-####"},
}


def validation_rule(segment_id: str) -> Row:
    """Returns the rule that only members of the segment may use the discount."""
    return {
        "name": "Spring discount",
        "filter": {"segment": {"id": segment_id}},
        "errorMessage": "Only VIPs can use this discount.",
    }
