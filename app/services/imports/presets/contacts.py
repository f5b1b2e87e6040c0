"""Tools that export contacts: Klaviyo, Mailchimp, HubSpot, Stripe."""

from app.services.imports.presets.preset import Preset

KLAVIYO = Preset(
    name="klaviyo",
    row_types=("customers",),
    columns=(
        ("Klaviyo ID", "sourceId"),
        ("First Name", "name"),
        ("Last Name", "name"),
        ("Email", "email"),
        ("Phone Number", "phone"),
        ("Birthday", "birthdate"),
        ("Address", "address.line1"),
        ("Address 2", "address.line2"),
        ("City", "address.city"),
        ("State / Region", "address.state"),
        ("Zip Code", "address.postalCode"),
        ("Country", "address.country"),
    ),
)

MAILCHIMP = Preset(
    name="mailchimp",
    row_types=("customers",),
    columns=(
        ("EUID", "sourceId"),
        ("Email Address", "email"),
        ("First Name", "name"),
        ("Last Name", "name"),
        ("Phone Number", "phone"),
        ("Address", "address.line1"),
        ("NOTES", "description"),
        ("TAGS", "metadata.tags"),
    ),
    types={"metadata.tags": "[STRING]", "metadata.LEID": "STRING"},
)

HUBSPOT = Preset(
    name="hubspot",
    row_types=("customers",),
    columns=(
        ("Record ID", "sourceId"),
        ("Record ID - Contact", "sourceId"),
        ("First Name", "name"),
        ("Last Name", "name"),
        ("Email", "email"),
        ("Phone Number", "phone"),
        ("Mobile Phone Number", "phone"),
        ("Street Address", "address.line1"),
        ("City", "address.city"),
        ("State/Region", "address.state"),
        ("Postal Code", "address.postalCode"),
        ("Country/Region", "address.country"),
        ("Country", "address.country"),
    ),
)

STRIPE_CUSTOMERS = Preset(
    name="stripe-customers",
    row_types=("customers",),
    columns=(
        ("id", "sourceId"),
        ("Description", "description"),
        ("Email", "email"),
        ("Name", "name"),
        ("Phone", "phone"),
        ("Address Line1", "address.line1"),
        ("Card Address Line1", "address.line1"),
        ("Address Line2", "address.line2"),
        ("Card Address Line2", "address.line2"),
        ("Address City", "address.city"),
        ("Card Address City", "address.city"),
        ("Address State", "address.state"),
        ("Card Address State", "address.state"),
        ("Address Postal Code", "address.postalCode"),
        ("Card Address Zip", "address.postalCode"),
        ("Address Country", "address.country"),
        ("Card Address Country", "address.country"),
    ),
    types={
        "metadata.Card Last4": "STRING",
        "metadata.Total Spend": "NUMBER",
        "metadata.Average Order": "NUMBER",
        "metadata.Refunded Volume": "NUMBER",
        "metadata.Dispute Losses": "NUMBER",
        "metadata.Account Balance": "NUMBER",
    },
)
