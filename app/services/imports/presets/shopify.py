"""Shopify: the exports of customers and of orders."""

from app.services.imports.presets.preset import ANY_WORD, Preset, StatusRule

SHOPIFY_CUSTOMERS = Preset(
    name="shopify-customers",
    row_types=("customers",),
    columns=(
        ("Customer ID", "sourceId"),
        ("First Name", "name"),
        ("Last Name", "name"),
        ("Email", "email"),
        ("Phone", "phone"),
        ("Default Address Phone", "phone"),
        ("Note", "description"),
        ("Default Address Address1", "address.line1"),
        ("Default Address Address2", "address.line2"),
        ("Default Address City", "address.city"),
        ("Default Address Province Code", "address.state"),
        ("Default Address Zip", "address.postalCode"),
        ("Default Address Country Code", "address.country"),
        ("Tags", "metadata.tags"),
    ),
    marked_columns=frozenset(
        {"Customer ID", "Phone", "Default Address Phone", "Default Address Zip"}
    ),
    types={
        "metadata.tags": "[STRING]",
        "metadata.Accepts Email Marketing": "BOOLEAN",
        "metadata.Accepts SMS Marketing": "BOOLEAN",
        "metadata.Tax Exempt": "BOOLEAN",
        "metadata.Total Spent": "NUMBER",
        "metadata.Total Orders": "NUMBER",
    },
)

SHOPIFY_ORDERS = Preset(
    name="shopify-orders",
    row_types=("orders",),
    columns=(
        ("Name", "sourceId"),
        ("Email", "customer.email"),
        ("Total", "amount"),
        ("Created at", "at"),
        ("Lineitem sku", "items.sku"),
        # A product without a SKU is told apart by its name.
        ("Lineitem name", "items.sku"),
        ("Lineitem name", "items.name"),
        ("Lineitem quantity", "items.quantity"),
        ("Lineitem price", "items.price"),
        ("Lineitem compare at price", "items.metadata.Compare at price"),
        ("Lineitem requires shipping", "items.metadata.Requires shipping"),
        ("Lineitem taxable", "items.metadata.Taxable"),
        ("Lineitem fulfillment status", "items.metadata.Fulfillment status"),
        ("Lineitem discount", "items.metadata.Discount"),
        ("Vendor", "items.metadata.Vendor"),
        ("Id", "metadata.Id"),
        ("Phone", "metadata.Phone"),
        ("Tags", "metadata.tags"),
        ("Financial Status", "metadata.Financial Status"),
        ("Fulfillment Status", "metadata.Fulfillment Status"),
        ("Cancelled at", "metadata.Cancelled at"),
    ),
    status_rules=(
        StatusRule("Cancelled at", {ANY_WORD: "CANCELED"}),
        StatusRule(
            "Financial Status",
            {
                "refunded": "CANCELED",
                "voided": "CANCELED",
                "expired": "CANCELED",
                "pending": "CREATED",
                "authorized": "CREATED",
                "partially_paid": "CREATED",
                "unpaid": "CREATED",
            },
        ),
        StatusRule("Fulfillment Status", {"fulfilled": "FULFILLED"}),
        StatusRule("Financial Status", {"paid": "PAID", "partially_refunded": "PAID"}),
    ),
    marked_columns=frozenset(
        {"Phone", "Billing Zip", "Billing Phone", "Shipping Zip", "Shipping Phone"}
    ),
    types={
        "metadata.Id": "STRING",
        "metadata.tags": "[STRING]",
        "metadata.Subtotal": "NUMBER",
        "metadata.Shipping": "NUMBER",
        "metadata.Taxes": "NUMBER",
        "metadata.Discount Amount": "NUMBER",
        "metadata.Refunded Amount": "NUMBER",
        "metadata.Outstanding Balance": "NUMBER",
    },
    amounts="major",
)
