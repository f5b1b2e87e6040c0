"""Many filters asked of one customer at once."""

from app.filters.matcher.matcher import Match, Matcher

__all__ = ["Match", "Matcher"]
