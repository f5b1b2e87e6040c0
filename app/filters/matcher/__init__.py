"""Matches many filters against one customer at once.

`Matcher` compiles filters once. It takes filters apart into rules (`rules`), gives every rule a bit
(`layout`) and builds an index of the rules' conditions for each field (`rule_index`). To match a
customer, each index answers with a bitmap of the rules that may still match.
"""

from app.filters.matcher.matcher import Match, Matcher

__all__ = ["Match", "Matcher"]
