"""Filters of Voucherify's segments, turned into ours: tables of what is what, and a walk."""

from app.filters.voucherify.reference import render_reference
from app.filters.voucherify.translate import translate

__all__ = ["render_reference", "translate"]
