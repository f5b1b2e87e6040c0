"""Presets: how the exports of well-known tools are read."""

from collections.abc import Iterable

from app.services.imports.presets.contacts import HUBSPOT, KLAVIYO, MAILCHIMP, STRIPE_CUSTOMERS
from app.services.imports.presets.preset import Preset, StatusRule
from app.services.imports.presets.segment import SEGMENT
from app.services.imports.presets.shopify import SHOPIFY_CUSTOMERS, SHOPIFY_ORDERS
from app.services.imports.presets.woocommerce import WOOCOMMERCE_ORDERS

__all__ = ["PRESETS", "Preset", "StatusRule", "suggest_preset"]

PRESETS = {
    preset.name: preset
    for preset in (
        SHOPIFY_CUSTOMERS,
        SHOPIFY_ORDERS,
        WOOCOMMERCE_ORDERS,
        KLAVIYO,
        MAILCHIMP,
        HUBSPOT,
        STRIPE_CUSTOMERS,
        SEGMENT,
    )
}
_MIN_MATCHING_COLUMNS = 4


def suggest_preset(header: Iterable[str], row_type: str) -> Preset | None:
    """Returns the preset for this kind of rows that knows most columns of the header; None if no
    preset knows several."""
    names = {name.strip().casefold() for name in header}
    counts = {
        preset.name: len(names.intersection(preset.known_columns))
        for preset in PRESETS.values()
        if row_type in preset.row_types
    }
    best_name = max(counts, key=lambda name: counts[name], default=None)
    if best_name is None or counts[best_name] < _MIN_MATCHING_COLUMNS:
        return None
    return PRESETS[best_name]
