"""Translates filters of Voucherify segments into filters of this API.

Tables map the fields and operators (`fields`, `operators`); `translate` applies them to a filter.
"""

from app.filters.voucherify.reference import render_reference
from app.filters.voucherify.translate import translate

__all__ = ["render_reference", "translate"]
