"""Filters of Voucherify's segments, turned into ours: tables of what is what, and a walk."""

from app.filters.voucherify.reference import reference
from app.filters.voucherify.translate import translate

__all__ = ["reference", "translate"]
