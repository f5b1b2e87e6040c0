"""WooCommerce: the order exports of its two widespread export plugins."""

from app.services.imports.presets.preset import Preset, StatusRule

_STATUSES_BY_WORD = {
    "completed": "FULFILLED",
    "processing": "PAID",
    "pending": "CREATED",
    "pending payment": "CREATED",
    "on-hold": "CREATED",
    "on hold": "CREATED",
    "checkout-draft": "CREATED",
    "draft": "CREATED",
    "cancelled": "CANCELED",
    "refunded": "CANCELED",
    "failed": "CANCELED",
}
_STORED_STATUSES_BY_WORD = {f"wc-{word}": status for word, status in _STATUSES_BY_WORD.items()}

WOOCOMMERCE_ORDERS = Preset(
    name="woocommerce-orders",
    row_types=("orders",),
    columns=(
        ("Order Number", "sourceId"),
        ("order_number", "sourceId"),
        ("Order ID", "sourceId"),
        ("order_id", "sourceId"),
        ("Email (Billing)", "customer.email"),
        ("billing_email", "customer.email"),
        ("customer_email", "customer.email"),
        ("Order Total Amount", "amount"),
        ("Order Total", "amount"),
        ("order_total", "amount"),
        ("Order Date", "at"),
        ("order_date", "at"),
        ("date", "at"),
        ("SKU", "items.sku"),
        ("item_sku", "items.sku"),
        # A product without a SKU is told apart by its name.
        ("Item Name", "items.sku"),
        ("item_name", "items.sku"),
        ("Item Name", "items.name"),
        ("item_name", "items.name"),
        ("Category", "items.category"),
        ("Quantity", "items.quantity"),
        ("Quantity (- Refund)", "items.quantity"),
        ("item_quantity", "items.quantity"),
        ("Item Cost", "items.price"),
        ("item_price", "items.price"),
        ("Order Line Total", "items.amount"),
        ("item_total", "items.amount"),
        ("Item #", "items.metadata.Item #"),
    ),
    status_rules=tuple(
        StatusRule(column, {**_STATUSES_BY_WORD, **_STORED_STATUSES_BY_WORD})
        for column in ("Order Status", "order_status", "status")
    ),
    amounts="major",
)
